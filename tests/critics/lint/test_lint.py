from __future__ import annotations

from pathlib import Path

import pytest

import manifestos
from critics import ManifestoError, check, load

HEAD = 'name: m\nversion: "1"\nrules:\n'
SOUND = "  - {id: sound, statement: Sound., critics: [patterns], patterns: {forbid: [x]}}\n"


def faults(folder: Path, text: str, trusted: tuple[str, ...] = ()) -> list[str]:
    file = folder / "m.yaml"
    file.write_text(text)
    return [str(fault).removeprefix(f"{folder}/") for fault in check(str(file), trusted=trusted)]


@pytest.mark.parametrize(
    ("guard", "rule", "said"),
    [
        ("", "critics: [guard]", "m.yaml:4:28: a rule asks for the critic `guard`, but no guard model is configured"),
        ("qwen3guard", "critics: [guard], guard: {codes: [PII, Violant]}", "did you mean `Violent`?"),
        ("llama-guard", "critics: [guard], guard: {codes: [S15]}", "llama-guard does not know the code `S15`"),
        ("llama-guard", "critics: [guard], guard: {criterion: Cats.}", "llama-guard takes no criterion"),
        (None, "critics: [guard], guard: {codes: [S15]}", ""),
        (None, "critics: [patterns], patterns: {forbid: [x]}, guard: {}", "`guard` is not among the rule's critics"),
    ],
)
def test_a_guards_rules_are_held_against_the_configured_family(
    tmp_path: Path, guard: str | None, rule: str, said: str
) -> None:
    """Where that is known; without it, only options that nobody reads are faults."""
    file = tmp_path / "m.yaml"
    file.write_text(HEAD + f"  - {{id: a, statement: A., {rule}}}\n")
    found = [str(fault) for fault in check(str(file), guard=guard)]
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize("name", manifestos.names())
def test_shipped_manifestos_have_no_fault(name: str) -> None:
    """Examples included."""
    assert check(name) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("critics: [paterns]", "m.yaml:4:38: unknown critic `paterns`; did you mean `patterns`?"),
        ("critics: [own.module:make]", "m.yaml:4:38: the critic `own.module:make` is not trusted"),
        ("critics: [patterns]", "nothing to look for"),
        ("critics: [patterns], patterns: {}", "nothing to look for"),
        ("patterns: {forbid: [x]}", "`patterns` is not among the rule's critics"),
        ("critics: [semantic]", "goes by examples of both kinds"),
        ("critics: [semantic], examples: [{text: x, breaks: true}]", "m.yaml:4:49: the critic `semantic` goes by"),
        ("remote: {categories: [hate]}", "`remote` is not among the rule's critics"),
        ("grounded: {}", "`grounded` is not among the rule's critics"),
        ("critics: [grounded], applies_to: input, action: veto", "checks a draft against its sources"),
        ("critics: [grounded], grounded: {kinds: []}", "at least 1 item"),
        ("critics: [grounded], grounded: {half_live: 3}", "did you mean `half_life`?"),
        ("semantic: {}", "`semantic` is not among the rule's critics"),
        ("personal-data: {}", "`personal-data` is not among the rule's critics"),
        ("critics: [patterns], patterns: {forbid: ['(']}", "close what is opened"),
        ("critics: [patterns], patterns: {forbid: ['(?=a)b']}", "look"),
        ("critics: [patterns], patterns: {require: ['(a+)+$']}", "exponentially many ways"),
        ("critics: [patterns], patterns: {forbid: ['x*']}", "matches the empty text"),
        ("critics: [patterns], patterns: {words: {at_least: 9, at_most: 3}}", "no draft can have at least 9"),
        ("critics: [patterns], patterns: {words: {at_most: 0}}", "empty draft is never released"),
        ("critics: [patterns], patterns: {words: {}}", "says neither"),
        ("action: redact", "only patterns and personal-data know"),
        ("applies_to: input, action: revise", "use veto or flag"),
    ],
)
def test_what_parses_but_cannot_work_is_found(tmp_path: Path, rule: str, said: str) -> None:
    """Each with its place and its cure; the sound rule beside it is not complained about."""
    found = faults(tmp_path, f"{HEAD}  - {{id: a, statement: A., {rule}}}\n{SOUND}")
    assert len(found) == 1
    assert said in found[0]


def test_a_trusted_critic_of_ones_own_is_no_fault(tmp_path: Path) -> None:
    """It is not imported to be checked."""
    text = f"{HEAD}  - {{id: a, statement: A., critics: ['own.module:make']}}\n"
    assert faults(tmp_path, text, trusted=("own.module:make",)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - {id: a, statement: A.}\nrelease: 1\n", "m.yaml:5:1: no draft can reach a score of 1"),
        ("  - {id: a, statement: A., weight: 0}\n", "every draft reaches it"),
        ("  - {id: a, statement: A., action: flag}\n", "every draft is released"),
    ],
)
def test_a_pass_score_that_no_draft_or_every_draft_reaches_is_found(tmp_path: Path, text: str, said: str) -> None:
    """Such a manifesto would withhold everything, or nothing."""
    assert any(said in fault for fault in faults(tmp_path, HEAD + text))


def test_a_pass_score_of_one_is_fine_where_rules_are_certain(tmp_path: Path) -> None:
    """Deterministic rules either hold or do not."""
    assert faults(tmp_path, f"{HEAD}{SOUND}release: 1\n") == []


def test_examples_that_are_judged_wrongly_are_found(tmp_path: Path) -> None:
    """Both ways, each at its own line."""
    text = f"""{HEAD}  - id: a
    statement: A.
    critics: [patterns]
    patterns: {{forbid_words: [rude]}}
    examples:
      - {{text: rude, breaks: true}}
      - {{text: crude, breaks: true}}
      - {{text: so rude, breaks: false}}
"""
    found = faults(tmp_path, text)
    assert [fault.split(": ")[0] for fault in found] == ["m.yaml:10:9", "m.yaml:11:9"]
    assert "said to break `a`" in found[0]
    assert "said to keep `a`" in found[1]
    assert "rude" in found[1]


def test_check_reports_in_the_order_of_the_file(tmp_path: Path) -> None:
    """So that a person can work down the list."""
    rules = "".join(f"  - {{id: r{i}, statement: A., critics: [nobody]}}\n" for i in range(12))
    lines = [int(fault.split(":")[1]) for fault in faults(tmp_path, HEAD + rules)]
    assert lines == sorted(lines)
    assert len(lines) == 12


def test_a_manifesto_that_cannot_work_is_not_loaded_either(tmp_path: Path) -> None:
    """What `check` finds without running a critic, `load` refuses."""
    file = tmp_path / "m.yaml"
    file.write_text(f"{HEAD}  - {{id: a, statement: A., critics: [paterns]}}\n")
    with pytest.raises(ManifestoError, match="did you mean `patterns`"):
        load(str(file))
