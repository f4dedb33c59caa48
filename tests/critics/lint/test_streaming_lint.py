from __future__ import annotations

from pathlib import Path

import pytest

from critics import check

HEAD = 'name: m\nversion: "1"\n'


def faults(folder: Path, above: str, rule: str) -> list[str]:
    file = folder / "m.yaml"
    file.write_text(f"{HEAD}{above}\nrules:\n  - {rule}\n  - {{id: j, statement: J.}}\n")
    return [str(fault).removeprefix(f"{folder}/") for fault in check(str(file))]


@pytest.mark.parametrize("mode", ["sentence", "window"])
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("patterns: {require: [x]}", "`require` is about the whole text"),
        ("patterns: {forbid: [x], require_words: [x]}", "`require_words` is about the whole text"),
        ("patterns: {languages: [en]}", "`languages` is about the whole text"),
        ("patterns: {words: {at_least: 3}}", "`at_least` is about the whole text"),
        ("patterns: {forbid: ['x$']}", "`forbid with $, \\z or \\B` is about the whole text"),
        (r"patterns: {forbid: ['\$x\z']}", "`forbid with $, \\z or \\B` is about the whole text"),
        ("patterns: {forbid: [x]}, action: redact", "what `patterns` mends may begin in one sentence"),
    ],
)
def test_a_mode_that_the_rules_do_not_allow_is_found(tmp_path: Path, mode: str, options: str, why: str) -> None:
    """Where it stands, with the rule's name and the cure."""
    (found,) = faults(tmp_path, f"stream: {mode}", f"{{id: a, statement: A., critics: [patterns], {options}}}")
    assert found.startswith(f"m.yaml:3:1: `{mode}` shows an answer in parts, and `a` needs the whole: {why}")
    assert found.endswith("let it only flag, or leave `stream` at hold")


@pytest.mark.parametrize(
    ("above", "rule"),
    [
        ("stream: hold", "{id: a, statement: A., critics: [patterns], patterns: {require: [x]}}"),
        ("stream: sentence", "{id: a, statement: A., critics: [patterns], patterns: {require: [x]}, action: flag}"),
        ("stream: sentence", "{id: a, statement: A., critics: [patterns], patterns: {words: {at_most: 9}}}"),
        ("stream: window", "{id: a, statement: A., critics: [personal-data], action: redact}"),
        (
            "stream: window",
            r"{id: a, statement: A., critics: [patterns], patterns: {forbid: ['\$5', '[$]x', '\Q$\E']}}",
        ),
        ("stream: window\non_exhausted: error", "{id: a, statement: A.}"),
    ],
)
def test_a_mode_that_can_be_kept_to_is_fine(tmp_path: Path, above: str, rule: str) -> None:
    """Nothing is wrong with what a part can show, and with a flag."""
    assert faults(tmp_path, above, rule) == []


def test_a_best_draft_that_is_never_shown_is_found(tmp_path: Path) -> None:
    """It failed, and so it is not shown in parts."""
    (found,) = faults(tmp_path, "stream: sentence\non_exhausted: best", "{id: a, statement: A.}")
    assert found.startswith("m.yaml:4:1: `best` is never given")


def test_another_mode_is_a_mistake(tmp_path: Path) -> None:
    """Said with what is meant."""
    (found,) = faults(tmp_path, "stream: sentences", "{id: a, statement: A.}")
    assert "must be one of hold, sentence, window" in found
    assert "did you mean `sentence`" in found
