from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Finding, Manifesto, Rule, Span, weigh
from critics.manifesto.schema import Action, OnUndecided


def rule(name: str, *, action: Action = "revise", weight: float = 1.0, on_undecided: OnUndecided | None = None) -> Rule:
    return Rule(id=name, statement=name, action=action, weight=weight, on_undecided=on_undecided)


def manifesto(*rules: Rule, release: float = 0.5) -> Manifesto:
    return Manifesto(name="m", version="1", rules=rules, release=release)


def verdict(probabilities: dict[Rule, float | None], *, release: float = 0.5):  # type: ignore[no-untyped-def]
    rules = tuple(probabilities)
    findings = [Finding(r.id, "c", p) for r, p in probabilities.items()]
    return weigh(manifesto(*rules, release=release), rules, findings)


def test_veto_beats_total() -> None:
    """A broken veto rule of weight 0.01 vetoes a draft that is otherwise perfect."""
    result = verdict({rule("a", weight=100): 0.0, rule("b", action="veto", weight=0.01): 0.9})
    assert result.outcome == "veto"
    assert result.score > 0.99


def test_score_is_weighted_compliance() -> None:
    """(3 × 0.9 + 1 × 0.6) / 4, worked out by hand."""
    assert verdict({rule("a", weight=3): 0.1, rule("b"): 0.4}).score == pytest.approx(0.825)


def test_a_score_that_is_what_releases_is_released() -> None:
    """The mean of 1, 0.8 and 0.6 is 0.8, and not a hair less."""
    result = verdict({rule("a"): 0.0, rule("b"): 0.2, rule("c"): 0.4}, release=0.8)
    assert (result.outcome, result.score) == ("pass", 0.8)


def test_breach_is_the_worst_of_all_rules() -> None:
    """Flags included: it is about what happened, not about what to do."""
    assert verdict({rule("a"): 0.1, rule("b", action="flag"): 0.4}).breach == 0.4


def test_a_score_below_release_is_sent_back_although_no_rule_is_broken() -> None:
    """Doubt on every side adds up."""
    assert verdict({rule("a"): 0.4, rule("b"): 0.45}, release=0.7).outcome == "revise"


def test_a_flag_never_holds_a_draft_back() -> None:
    """Broken or undecided, a flag is on record and the draft passes."""
    for probability in (1.0, None):
        result = verdict({rule("a"): 0.0, rule("b", action="flag"): probability})
        assert result.outcome == "pass"
        assert [j.outcome for j in result.judgements][1] == ("broken" if probability else "undecided")


def test_undecided_is_never_a_pass() -> None:
    """By default a rule that nobody could judge keeps the draft back."""
    assert verdict({rule("a"): 0.0, rule("b"): None}).outcome == "undecided"


def test_release_on_undecided_must_be_said() -> None:
    """Only a rule, or its manifesto, that says so lets an unjudged rule through."""
    assert verdict({rule("a"): 0.0, rule("b", on_undecided="release"): None}).outcome == "pass"


def test_a_rule_without_any_finding_is_undecided() -> None:
    """Silence is not consent."""
    only = rule("a")
    assert weigh(manifesto(only), [only], []).outcome == "undecided"


def test_critics_of_one_rule_combine_by_the_worst_word() -> None:
    """Broken beats undecided, undecided beats pass."""
    only = rule("a")
    for words, expected in (((0.1, 0.9, None), "broken"), ((0.1, None), "undecided"), ((0.1, 0.2), "pass")):
        result = weigh(manifesto(only), [only], [Finding("a", f"c{i}", p) for i, p in enumerate(words)])
        assert result.judgements[0].outcome == expected


@pytest.mark.parametrize("weight", [1e7, float("inf"), float("nan"), -1])
def test_a_weight_that_breaks_the_arithmetic_is_refused(weight: float) -> None:
    """An infinite one would make the score no number, and no number is below a release."""
    with pytest.raises(ValueError, match="weight"):
        rule("a", weight=weight)


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_probability_that_is_none_is_undecided(nonsense: float) -> None:
    """A critic that writes nonsense has not passed anything."""
    finding = Finding("a", "c", nonsense)
    assert finding.outcome(0.5) == "undecided"
    assert "no probability" in finding.critique


@pytest.mark.parametrize("nonsense", [float("nan"), 1.1])
def test_what_a_critic_said_before_it_was_calibrated_is_a_probability_too(nonsense: float) -> None:
    """A number that no record could hold is not trusted, nor is what was made of it."""
    finding = Finding("a", "c", 0.1, raw=nonsense)
    assert (finding.probability, finding.raw) == (None, None)
    assert "no probability" in finding.critique


@pytest.mark.parametrize(("said", "kept"), [(np.float32(0.25), 0.25), (np.int64(1), 1.0), (True, 1.0), (0, 0.0)])
def test_numbers_of_any_kind_become_pythons_own(said: float, kept: float) -> None:
    """What a library calls a number is none that JSON can hold, and a truth is no probability there."""
    finding = Finding("a", "c", said, spans=(Span(*np.array([0, 2])),), raw=said)
    held = (finding.probability, finding.raw, *finding.spans[0])
    assert held == (kept, kept, 0, 2)
    assert [type(each) for each in held] == [float, float, int, int]


probabilities = st.floats(0, 1)


@given(
    st.lists(st.tuples(probabilities, st.floats(0.01, 100)), min_size=1, max_size=6), st.integers(0, 5), probabilities
)
def test_more_evidence_of_a_breach_never_helps(values: list[tuple[float, float]], which: int, worse: float) -> None:
    """Score falls and breach rises, or neither moves, when one probability rises."""
    which %= len(values)
    if worse < values[which][0]:
        return
    rules = [rule(f"r{i}", weight=weight) for i, (_, weight) in enumerate(values)]
    before = verdict({r: p for r, (p, _) in zip(rules, values, strict=True)})
    after = verdict({r: worse if i == which else values[i][0] for i, r in enumerate(rules)})
    assert after.score <= before.score + 1e-9
    assert after.breach >= before.breach - 1e-9
