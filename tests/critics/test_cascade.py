from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Exchange, Finding, Judgement, Manifesto, Message, Panel, Rule, weigh
from critics.cascade import COMBINATIONS
from critics.manifesto.schema import Combine

EXCHANGE = Exchange((Message("user", "hello"),), "hi")
NAMES = ("semantic", "remote", "judge")
BOUNDS = (0.2, 0.8)

Words = Mapping[str, Mapping[str, float | None]]
"""What each critic says of each rule."""

probabilities = st.floats(0, 1)
words = st.one_of(st.none(), probabilities)


def rule(
    name: str = "a",
    critics: Sequence[str] = NAMES,
    *,
    bounds: tuple[float, float] | None = BOUNDS,
    combine: Combine | None = None,
) -> Rule:
    return Rule(id=name, statement="A.", critics=tuple(critics), open_between=bounds, combine=combine)


def asked(rules: Sequence[Rule], says: Words) -> tuple[list[Finding], list[tuple[str, list[str]]]]:
    """What a panel of critics that say this finds, and whom it called with which rules, in order."""
    calls: list[tuple[str, list[str]]] = []

    def critic(name: str):  # type: ignore[no-untyped-def]
        def call(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
            calls.append((name, [rule.id for rule in rules]))
            return [Finding(rule.id, name, says[name][rule.id]) for rule in rules]

        return call

    return Panel({name: critic(name) for name in says}, seconds=None)(EXCHANGE, rules), calls


def judgement(only: Rule, *given: float | None) -> Judgement:
    says = {name: {only.id: p} for name, p in zip(only.critics, given, strict=False)}
    findings, _ = asked([only], says)
    return weigh(Manifesto(name="m", version="1", rules=(only,)), [only], findings).judgements[0]


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ((0.1, 0.9, 0.9), 1),
        ((0.8, 0.1, 0.1), 1),
        ((0.2, 0.19, 0.9), 2),
        ((None, 0.9, 0.1), 2),
        ((0.5, None, 0.1), 3),
        ((0.5, 0.5, 0.5), 3),
    ],
)
def test_a_critic_that_is_sure_ends_the_asking(given: tuple[float | None, ...], called: int) -> None:
    """Below the lower bound or from the upper one up; in between, and undecided, the next one is asked."""
    says = {name: {"a": p} for name, p in zip(NAMES, given, strict=True)}
    findings, calls = asked([rule()], says)
    assert [name for name, _ in calls] == list(NAMES[:called])
    assert [finding.probability for finding in findings] == list(given[:called])


@pytest.mark.parametrize(
    ("given", "outcome", "probability"),
    [
        ((0.7, 0.1), "pass", 0.1),
        ((0.3, 0.9), "broken", 0.9),
        ((None, 0.1), "pass", 0.1),
        ((0.3, 0.4), "pass", 0.4),
        ((0.6, 0.4), "broken", 0.6),
        ((0.3, None), "undecided", None),
        ((0.6, None), "broken", 0.6),
        ((None, None), "undecided", None),
    ],
)
def test_who_settles_a_rule_has_the_word(given: tuple[float | None, ...], outcome: str, probability: float) -> None:
    """What was open before it does not count; where nobody is sure, all words do."""
    judged = judgement(rule(critics=NAMES[:2]), *given)
    assert (judged.outcome, judged.probability) == (outcome, probability)


def test_without_bounds_everybody_is_asked() -> None:
    """As it was before there were cascades."""
    _, calls = asked([rule(bounds=None)], {name: {"a": 0.0} for name in NAMES})
    assert len(calls) == 3


def test_that_patterns_found_nothing_settles_nothing() -> None:
    """They did not look for what the judge knows; what they found is certain."""
    only = rule(critics=("patterns", "judge"))
    _, calls = asked([only], {"patterns": {"a": 0.0}, "judge": {"a": 0.9}})
    assert [name for name, _ in calls] == ["patterns", "judge"]
    assert judgement(only, 0.0, 0.9).outcome == "broken"
    _, calls = asked([only], {"patterns": {"a": 1.0}, "judge": {"a": 0.0}})
    assert [name for name, _ in calls] == ["patterns"]


def test_a_critic_is_called_once_with_all_that_is_left_to_it() -> None:
    """Rules that are open go to it together with those that name no other critic."""
    rules = [rule("judged", ["judge"], bounds=None), rule("open", ["semantic", "judge"]), rule("sure", NAMES)]
    says = {
        "semantic": {"open": 0.5, "sure": 0.0},
        "remote": {},
        "judge": {"open": 0.9, "judged": 0.9},
    }
    _, calls = asked(rules, says)
    assert calls == [("semantic", ["open", "sure"]), ("judge", ["judged", "open"])]


def test_rules_that_name_critics_in_opposite_orders_do_not_wait_for_one_another() -> None:
    """One of the critics is called twice then; nobody is left out."""
    rules = [rule("ab", ["semantic", "judge"]), rule("ba", ["judge", "semantic"])]
    _, calls = asked(rules, {name: {"ab": 0.5, "ba": 0.5} for name in ("semantic", "judge")})
    assert sorted(name for name, ids in calls for _ in ids) == ["judge", "judge", "semantic", "semantic"]
    assert len(calls) == 3


@pytest.mark.parametrize(("combine", "expected"), [("max", 0.6), ("mean", 0.4), ("noisy-or", 0.68)])
def test_the_words_of_several_become_one(combine: Combine, expected: float) -> None:
    """The worst, the mean, or what is left when each errs by itself; worked out by hand."""
    only = rule(critics=NAMES[:2], bounds=None, combine=combine)
    assert judgement(only, 0.2, 0.6).probability == pytest.approx(expected)
    assert (judgement(only, 0.2, 0.6).outcome == "broken") == (expected >= 0.5)


@pytest.mark.parametrize(("combine", "others"), [("max", 0.0), ("mean", 1.0), ("noisy-or", 0.0)])
@pytest.mark.parametrize("threshold", [hundredth / 100 for hundredth in range(1, 100)])
def test_at_its_threshold_a_rule_is_broken(threshold: float, combine: Combine, others: float) -> None:
    """What three say alike is their mean, and who finds nothing takes nothing from an or: not by rounding either."""
    only = Rule(id="a", statement="A.", critics=NAMES, combine=combine, threshold=threshold)
    judged = judgement(only, threshold, others * threshold, others * threshold)
    assert judged.outcome == "broken"
    assert judged.probability == pytest.approx(threshold)


@pytest.mark.parametrize(
    ("combine", "given", "threshold"), [("noisy-or", (0.1, 0.1), 0.19), ("mean", (0.99, 0.87), 0.93)]
)
def test_a_combination_comes_to_what_it_does_in_decimals(
    combine: Combine, given: tuple[float, float], threshold: float
) -> None:
    """And not a hair below, where the rule would pass."""
    rule = Rule(id="r", statement="S.", critics=("judge", "semantic"), combine=combine, threshold=threshold)
    found = tuple(Finding("r", critic, p) for critic, p in zip(rule.critics, given, strict=True))
    assert Judgement(rule, found).outcome == "broken"


def test_a_mean_is_broken_only_if_it_is_whatever_the_undecided_one_thinks() -> None:
    """(0.9 + 0) / 2 is below the threshold, so nothing is known; (1 + 1 + 0) / 3 is above it."""
    assert judgement(rule(critics=NAMES[:2], bounds=None, combine="mean"), 0.9, None).outcome == "undecided"
    assert judgement(rule(bounds=None, combine="mean"), 1.0, 1.0, None).outcome == "broken"


@pytest.mark.parametrize(
    ("probe", "outcome", "why"),
    [(0.05, "undecided", "only a part of it could be judged"), (0.2, "broken", "Found.")],
)
def test_who_has_judged_a_part_does_not_make_a_mean_pass(probe: float, outcome: str, why: str) -> None:
    """What the judge could not read may be worse than the 0.9 of what it did, so that the mean may be 0.525."""
    only = rule(critics=("probe", "judge"), bounds=None, combine="mean")
    found = Judgement(only, (Finding("a", "probe", probe), Finding("a", "judge", 0.9, "Found.", in_part=True)))
    assert (found.outcome, found.critique) == (outcome, why)
    assert Judgement(only, (Finding("a", "probe", 0.05), Finding("a", "judge", 0.9))).outcome == "pass"


def test_small_doubts_that_add_up_are_told_in_the_words_of_the_greatest() -> None:
    """No critic alone says that the rule is broken, and the generator must be told something."""
    only = rule(critics=NAMES[:2], bounds=None, combine="noisy-or")
    findings = [Finding("a", "semantic", 0.4, "a little"), Finding("a", "judge", 0.45, "a bit more")]
    assert Judgement(only, tuple(findings)).critique == "a bit more"


@pytest.mark.parametrize(("given", "spread"), [((0.1, 0.7), 0.6), ((0.3, 0.7), None), ((0.9, None), None)])
def test_critics_that_lie_far_apart_are_reported(given: tuple[float | None, ...], spread: float | None) -> None:
    """From a half up; who is undecided disagrees with nobody."""
    told = judgement(rule(critics=NAMES[:2], bounds=None), *given).disagreement
    assert told == (None if spread is None else pytest.approx(spread))


@pytest.mark.parametrize("combine", list(COMBINATIONS))
@given(given=st.lists(probabilities, min_size=1, max_size=5), which=st.integers(0, 4), worse=probabilities)
def test_a_combination_never_falls_when_a_probability_rises(
    combine: Combine, given: list[float], which: int, worse: float
) -> None:
    """And stays a probability."""
    which %= len(given)
    before = COMBINATIONS[combine](given)
    after = COMBINATIONS[combine]([max(worse, p) if i == which else p for i, p in enumerate(given)])
    assert 0 <= before <= after <= 1


rule_sets = st.lists(
    st.builds(
        lambda critics, bounds, combine: (critics, bounds, combine),
        st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        st.sampled_from([None, BOUNDS, (0.0, 1.0), (0.4, 0.5)]),
        st.sampled_from([None, *COMBINATIONS]),
    ),
    min_size=1,
    max_size=4,
)


@given(made=rule_sets, data=st.data())
def test_nothing_open_passes_and_nothing_settled_is_asked_about(
    made: list[tuple[list[str], tuple[float, float] | None, Combine | None]], data: st.DataObject
) -> None:
    """Whatever critics say: what passes was settled or judged by all, and after a sure word there is no other."""
    rules = [rule(f"r{i}", critics, bounds=bounds, combine=how) for i, (critics, bounds, how) in enumerate(made)]
    says = {name: {each.id: data.draw(words) for each in rules} for name in NAMES}
    findings, calls = asked(rules, says)
    verdict = weigh(Manifesto(name="m", version="1", rules=tuple(rules)), rules, findings)
    for judged in verdict.judgements:
        whom = [name for name, ids in calls if judged.rule.id in ids]
        sure = [name for name in whom if _sure(judged.rule, says[name][judged.rule.id])]
        if judged.rule.open_between is None:
            assert sorted(whom) == sorted(judged.rule.critics)
        else:
            assert whom == list(judged.rule.critics[: len(whom)])
            assert sure == (whom[-1:] if sure else [])
            assert sure or len(whom) == len(judged.rule.critics)
        if judged.outcome == "pass" and not sure:
            assert all(says[name][judged.rule.id] is not None for name in judged.rule.critics)
    open_ = any(j.outcome == "undecided" for j in verdict.judgements)
    assert not (open_ and verdict.outcome == "pass")


def _sure(rule: Rule, word: float | None) -> bool:
    if rule.open_between is None or word is None:
        return False
    lower, upper = rule.open_between
    return not lower <= word < upper


@pytest.mark.parametrize(("word", "whom"), [(0.1, ["judge"]), (0.5, ["judge"]), (0.9, [])])
def test_a_doubtful_word_settles_nothing_while_it_is_low(word: float, whom: list[str]) -> None:
    """The next one is asked, whose word alone counts where that is sure; a high one settles as ever."""
    only = rule(critics=("probe", "judge"), combine="mean")
    calls: list[str] = []

    def judge(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        calls.append("judge")
        return [Finding("a", "judge", 0.7)]

    def probe(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return [Finding("a", "probe", word, doubtful=True)]

    findings = Panel({"probe": probe, "judge": judge}, seconds=None)(EXCHANGE, [only])
    (found,) = weigh(Manifesto(name="m", version="1", rules=(only,)), [only], findings).judgements
    assert calls == whom
    assert found.probability == pytest.approx((word + 0.7) / 2 if whom else word)


def test_a_manifesto_hands_its_way_down_to_rules_of_several_critics() -> None:
    """But not to those that say otherwise, have one critic, or are redacted."""
    other = rule("other", bounds=None)
    plain = Rule(id="plain", statement="A.", critics=NAMES)
    single = Rule(id="single", statement="A.")
    mended = Rule(id="mended", statement="A.", critics=("patterns", "personal-data"), action="redact")
    made = Manifesto(
        name="m", version="1", rules=(other, plain, single, mended), open_between=BOUNDS, combine="noisy-or"
    )
    assert [each.open_between for each in made.rules] == [None, BOUNDS, None, None]
    assert [each.combine for each in made.rules] == [None, "noisy-or", None, None]


@pytest.mark.parametrize("combine", [None, "mean", "noisy-or"])
@pytest.mark.parametrize("exact", ["patterns", "personal-data"])
def test_a_low_word_does_not_speak_for_who_looks_for_something_else(exact: str, combine: Combine | None) -> None:
    """And could not: a missing extra, no time left."""
    only = rule(critics=(exact, "judge"), combine=combine)
    assert judgement(only, None, 0.05).outcome == "undecided"
    assert judgement(only, None, 0.9).outcome == "broken"
    assert judgement(only, 0.0, 0.05).outcome == "pass"
    assert judgement(rule(combine=combine), None, 0.05).outcome == "pass"


@pytest.mark.parametrize(("exact", "spread"), [(0.0, None), (1.0, 0.7)])
def test_who_finds_nothing_disagrees_with_nobody(exact: float, spread: float | None) -> None:
    """A list of phrases says nothing of all the other ways to say it; what it has found, the judge has missed."""
    assert judgement(rule(critics=("patterns", "judge"), bounds=None), exact, 0.3).disagreement == spread
    assert judgement(rule(critics=("patterns", "judge"), bounds=None), exact, 0.9).disagreement is None


def test_what_is_found_for_certain_is_not_averaged_away() -> None:
    only = rule(critics=("personal-data", "probe", "judge"), bounds=None, combine="mean")
    assert judgement(only, 1.0, 0.05, 0.05).probability == 1.0
    assert judgement(rule(bounds=None, combine="mean"), 1.0, 0.05, 0.05).outcome == "pass"


@pytest.mark.parametrize("bounds", [None, BOUNDS])
@pytest.mark.parametrize("exact", [0.0, None])
def test_who_looks_for_something_else_and_finds_nothing_takes_nothing_from_a_mean(
    exact: float | None, bounds: tuple[float, float] | None
) -> None:
    """Averaged with a 0, the judge's 0.7 would pass; whatever `patterns` could not see, it is a breach."""
    only = rule(critics=("patterns", "judge"), bounds=bounds, combine="mean")
    judged = judgement(only, exact, 0.7)
    assert (judged.outcome, judged.probability) == ("broken", 0.7)
    assert judgement(only, exact, 0.3).outcome == ("pass" if exact is not None else "undecided")
