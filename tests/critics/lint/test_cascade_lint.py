from __future__ import annotations

from pathlib import Path

import pytest

from critics import check

HEAD = 'name: m\nversion: "1"\n'
DOUBT = "probe: {doubt: {head: bad-request}}"
TWO = "critics: [patterns, judge], patterns: {forbid: [x]}"


def faults(folder: Path, rule: str, above: str = "") -> list[str]:
    file = folder / "m.yaml"
    file.write_text(f"{HEAD}{above}rules:\n  - {{id: a, statement: A., {rule}}}\n")
    return [str(fault).removeprefix(f"{folder}/") for fault in check(str(file))]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (f"{TWO}, open_between: [0.8, 0.2]", "m.yaml:4:81: the lower bound comes first: [0.2, 0.8]"),
        (f"{TWO}, open_between: [0.5, 0.5]", "nothing lies between 0.5 and 0.5"),
        (f"{TWO}, open_between: [0.2, 1.8]", "`rules[0].open_between[1]`: input should be less than or equal to 1"),
        (f"{TWO}, open_between: [0.6, 0.8]", "the threshold 0.5 lies outside of 0.6 to 0.8"),
        (f"{TWO}, threshold: 0.9, open_between: [0.2, 0.8]", "the threshold 0.9 lies outside"),
        ("open_between: [0.2, 0.8]", "m.yaml:4:28: `judge` is the rule's only critic: name another behind it"),
        ("combine: mean", "`judge` is the rule's only critic"),
        (f"{TWO}, combine: average", "must be one of max, mean, noisy-or, not 'average'"),
        (
            "critics: [judge, patterns], patterns: {forbid: [x]}, open_between: [0.2, 0.8]",
            "m.yaml:4:45: `judge` could settle the rule before `patterns` is asked: put `patterns` first",
        ),
        (
            "critics: [patterns, personal-data], patterns: {forbid: [x]}, action: redact, open_between: [0.2, 0.8]",
            "every critic of a rule that is redacted is asked",
        ),
        (
            "critics: [patterns, personal-data], patterns: {forbid: [x]}, action: redact, combine: mean",
            "every critic of a rule that is redacted is asked",
        ),
        (f"critics: [probe, judge], {DOUBT}", "m.yaml:4:61: it keeps nothing open: name a critic behind `probe`"),
        (f"critics: [judge, probe], open_between: [0.2, 0.8], {DOUBT}", "it keeps nothing open"),
        (
            f"critics: [probe, judge], applies_to: input, action: veto, open_between: [0.2, 0.8], {DOUBT}",
            "the rule is about the request itself: leave this out",
        ),
    ],
)
def test_a_cascade_that_cannot_work_is_found(tmp_path: Path, rule: str, said: str) -> None:
    """At its place, with its cure, and once."""
    (found,) = faults(tmp_path, rule)
    assert said in found


@pytest.mark.parametrize(
    ("above", "rule", "said"),
    [
        ("open_between: [0.8, 0.2]\n", TWO, "m.yaml:3:1: the lower bound comes first"),
        ("open_between: [0.2, 0.8]\n", "critics: [judge]", "m.yaml:3:1: never used"),
        ("combine: mean\n", "critics: [judge]", "m.yaml:3:1: never used"),
        ("open_between: [0.2, 0.8]\n", f"{TWO}, threshold: 0.9", "m.yaml:5:5: the threshold 0.9 lies outside"),
    ],
)
def test_what_is_set_for_all_rules_is_checked_where_it_stands(tmp_path: Path, above: str, rule: str, said: str) -> None:
    """And a rule that it does not suit is named by its own place."""
    (found,) = faults(tmp_path, rule, above)
    assert said in found


@pytest.mark.parametrize(
    ("above", "rule"),
    [
        ("", f"{TWO}, open_between: [0.2, 0.8]"),
        ("", f"critics: [probe, judge], open_between: [0.2, 0.8], {DOUBT}"),
        ("", f"{TWO}, open_between: [0, 1], combine: noisy-or"),
        ("open_between: [0.2, 0.8]\ncombine: max\n", TWO),
        (
            "open_between: [0.6, 0.8]\n",
            f"{TWO}, threshold: 0.7}}\n  - {{id: b, statement: B., {TWO}, open_between: null",
        ),
    ],
)
def test_a_cascade_that_works_is_no_fault(tmp_path: Path, above: str, rule: str) -> None:
    """Bounds at 0 and 1 leave all open; `null` takes a rule out of what is set above it."""
    assert faults(tmp_path, rule, above) == []
