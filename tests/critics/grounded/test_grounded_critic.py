from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Exchange, Finding, GroundedCritic, ModelError, Panel, Rule, Source
from critics.grounded import critic as bounds
from critics.grounded.facts.words import says_little, stem
from critics.manifesto.schema import Grounded
from critics.semantic.embedder import Vectors


class Wordy:
    """Embeds by the words of a text that say something, so that shared words are similarity; remembers its calls."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        words = [{stem(w) for w in re.findall(r"[^\W\d]+", text) if not says_little(w)} for text in texts]
        known = sorted(set().union(*words))
        # A little of a direction that all share: no text is a vector of zeros.
        return np.asarray([[0.01, *(float(word in own) for word in known)] for own in words], dtype=np.float32)


RULE = Rule(id="a", statement="A.", critics=("grounded",))
BRIDGE = Source(
    "The harbour bridge was opened in March 1932. The bridge carries trains. Ralph Freeman designed the bridge.",
    origin="museum",
    published="2020",
    kind="textbook",
)


def found(draft: str, *sources: Source, rule: Rule = RULE) -> Finding:
    (finding,) = GroundedCritic(Wordy())(Exchange((), draft, sources or (BRIDGE,)), [rule])
    return finding


def probability(draft: str, *sources: Source, rule: Rule = RULE) -> float:
    given = found(draft, *sources, rule=rule).probability
    assert given is not None
    return given


def test_what_a_source_says_is_kept() -> None:
    """With nothing to criticise."""
    finding = found("The harbour bridge was opened in 1932.")
    assert finding.outcome(0.5) == "pass"
    assert (finding.critique, finding.spans) == ("", ())


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("The harbour bridge was opened in March 1936.", "not “1936” but “1932” says “museum” (textbook, 2020)"),
        ("The harbour bridge was opened in April 1932.", "not “April” but “March” says “museum”"),
        ("Otto Hale designed the bridge.", "not “Otto Hale” but “Ralph Freeman” says “museum”"),
        ("The bridge does not carry trains.", "is contradicted by “The bridge carries trains.” in “museum”"),
        ("Bananas are rich in potassium.", "is borne out by no source; the nearest is “museum”"),
        ("The bridge carries 16 trains.", "no source says “16”"),
    ],
)
def test_what_no_source_bears_out_breaks_the_rule(draft: str, said: str) -> None:
    """By a number, a name or a denial, or because nobody says it; the critique names the source."""
    finding = found(draft)
    assert finding.outcome(0.5) == "broken"
    assert said in finding.critique


def test_the_worst_claim_counts_and_is_shown() -> None:
    """In a draft with a disguise: the span is of the text as it was handed in."""
    bad = "The harbour br\u200bidge was opened in March 19\u200b36."
    draft = f"Hello! The bridge carries trains. {bad} Is that all?"
    finding = found(draft)
    assert finding.probability == pytest.approx(probability("The harbour bridge was opened in March 1936."))
    (span,) = finding.spans
    assert draft[slice(*span)] == bad


def test_a_critique_lists_the_worst_few() -> None:
    """And is short however many there are."""
    critique = found("\n".join(f"Bananas number {n} are rich in potassium." for n in range(20))).critique
    assert critique.count("“Bananas number") == bounds.WORST


def test_a_claim_may_rest_on_two_sentences() -> None:
    """No number of it is missing where each stands in one of them."""
    sources = Source("The bridge has 6 lanes. The bridge has 2 railway tracks.")
    assert probability("The bridge has 6 lanes and 2 railway tracks.", sources) < 0.5


def test_what_is_true_of_another_thing_bears_nothing_out() -> None:
    """A year from a sentence about another bridge."""
    two = Source("The bridge of Sydney was opened in 1932. The bridge of Lisbon was opened in 1966.")
    assert probability("The bridge of Sydney was opened in 1932.", two) < 0.5
    assert probability("The bridge of Sydney was opened in 1966.", two) > 0.5


EARLY, LATE = "The bridge was opened in 1932.", "The bridge was opened in 1936."


@pytest.mark.parametrize(
    ("for_early", "for_late", "options", "right"),
    [
        (("peer-reviewed", "2020"), ("forum", "2020"), Grounded(), EARLY),
        (("forum", "2020"), ("peer-reviewed", "2020"), Grounded(), LATE),
        (("news", "2021"), ("news", "2020"), Grounded(), EARLY),
        (("news", "2020"), ("news", ""), Grounded(), EARLY),
        (("news", "2020"), ("", "2020"), Grounded(), EARLY),
        (("forum", "2020"), ("news", "2020"), Grounded(kinds=("forum", "news")), EARLY),
        (("textbook", "1990"), ("news", "2020"), Grounded(), LATE),
        (("textbook", "1990"), ("news", "2020"), Grounded(half_life=50), EARLY),
    ],
)
def test_the_source_that_weighs_more_wins(
    for_early: tuple[str, str], for_late: tuple[str, str], options: Grounded, right: str
) -> None:
    """Whichever of the two the draft followed, and in whichever order they stand."""
    sources = [
        Source(text, published=published, kind=kind)
        for text, (kind, published) in ((EARLY, for_early), (LATE, for_late))
    ]
    rule = RULE.model_copy(update={"grounded": options})
    for order in (sources, sources[::-1]):
        for draft in (EARLY, LATE):
            assert found(draft, *order, rule=rule).outcome(0.5) == ("pass" if draft == right else "broken")


def test_sources_of_equal_weight_may_both_be_followed() -> None:
    """Nobody can say which is right."""
    sources = [Source(text) for text in (EARLY, LATE)]
    assert max(probability(draft, *sources) for draft in (EARLY, LATE)) < 0.5


def test_a_better_source_is_heard_in_words_of_its_own() -> None:
    """Though the draft repeats the worse one word for word."""
    paper = Source("The bridge, so the minutes, was opened for trains in 1936.", published="2020", kind="peer-reviewed")
    assert found(EARLY, Source(EARLY, published="2020", kind="forum"), paper).outcome(0.5) == "broken"


def test_a_better_source_on_another_event_is_not() -> None:
    """However near a year of it stands."""
    paper = Source("The mayor painted the bridge himself in 1950.", published="2020", kind="peer-reviewed")
    assert found(EARLY, Source(EARLY, published="2020", kind="forum"), paper).outcome(0.5) == "pass"


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("Mozart wrote the mass. A portrait shows Mozart.", "broken"),
        ("Mozart wrote the mass.", "pass"),
    ],
)
def test_a_first_word_is_a_name_where_it_is_one_elsewhere(source: str, outcome: str) -> None:
    """Else `Work began in 1932` would contradict `Construction began in 1932`."""
    assert found("Bach wrote the mass.", Source(source)).outcome(0.5) == outcome


def test_a_weighty_source_about_something_else_has_no_say() -> None:
    paper = Source("The bridge carries trains.", published="2024", kind="peer-reviewed")
    assert found(LATE, Source(EARLY, kind="forum"), paper).outcome(0.5) == "broken"


@pytest.mark.parametrize("sources", [(), (Source(""),), (Source(" --- \n"),)])
def test_without_sources_a_claim_is_undecided(sources: tuple[Source, ...]) -> None:
    """And says why; a draft that claims nothing needs none."""
    (finding,) = GroundedCritic(Wordy())(Exchange((), EARLY, sources), [RULE])
    assert (finding.probability, finding.critique) == (None, "there are no sources to check the draft against")
    (finding,) = GroundedCritic(Wordy())(Exchange((), "Hello! I am not sure.", sources), [RULE])
    assert finding.probability == 0


@pytest.mark.parametrize(
    "draft", ["疫苗导致自闭症。它在2020年杀死了三千人。", "Vaccines cause\nautism in\nall children."]
)
def test_neither_another_script_nor_a_line_break_hides_a_claim(draft: str) -> None:
    assert found(draft, Source("")).probability is None
    assert probability(draft) > 0.5


def test_a_claim_over_lines_is_contradicted_as_one() -> None:
    """And told in one line."""
    finding = found("The bridge\ndoes not\ncarry trains.")
    assert "“The bridge does not carry trains.” is contradicted by “The bridge carries trains.”" in finding.critique


def test_without_a_draft_nothing_is_decided() -> None:
    (finding,) = GroundedCritic(Wordy())(Exchange((), None, (BRIDGE,)), [RULE])
    assert finding.probability is None


@pytest.mark.parametrize(
    ("draft", "source"),
    [
        ("The bridge is long. " * (bounds.MAX_CLAIMS + 1), BRIDGE),
        (EARLY, Source("The bridge is long. " * (bounds.MAX_PASSAGES + 1))),
        ("?" * (bounds.MAX_CHARACTERS + 1), BRIDGE),
    ],
)
def test_too_much_to_check_is_undecided(draft: str, source: Source) -> None:
    """Nothing is cut away unjudged, and nothing is embedded."""
    embedder = Wordy()
    (finding,) = GroundedCritic(embedder)(Exchange((), draft, (source,)), [RULE])
    assert finding.probability is None
    assert "more than" in finding.critique
    assert embedder.asked == []


def test_as_much_as_may_be_checked_is() -> None:
    assert probability("The bridge carries trains. " * bounds.MAX_CLAIMS) < 0.5


def test_everything_is_embedded_in_one_call_and_once() -> None:
    """For all rules together."""
    embedder = Wordy()
    rules = [RULE, RULE.model_copy(update={"id": "b"})]
    findings = GroundedCritic(embedder)(Exchange((), f"{EARLY} {EARLY}", (Source(f"{EARLY} {LATE}"),)), rules)
    assert [finding.rule for finding in findings] == ["a", "b"]
    assert embedder.asked == [[EARLY, LATE]]


def test_an_embedder_that_fails_passes_nothing() -> None:
    def failing(texts: Sequence[str]) -> Vectors:
        raise ModelError("no")

    panel = Panel({"grounded": GroundedCritic(failing)})
    assert panel(Exchange((), EARLY, (BRIDGE,)), [RULE])[0].probability is None


SAID = "bridge harbour opened carries not no 1932 1936 5 Freeman Hale trains km % . The"
texts = st.lists(st.sampled_from(SAID.split()), min_size=1, max_size=12).map(" ".join)
tagged = st.builds(
    Source, texts, published=st.sampled_from(["", "1999", "2020-05"]), kind=st.sampled_from(["", "news", "forum"])
)


@given(draft=texts, sources=st.lists(tagged, min_size=2, max_size=5), data=st.data())
def test_the_order_of_sources_does_not_matter(draft: str, sources: list[Source], data: st.DataObject) -> None:
    """And what is said of a draft is a probability, or that there is none."""
    shuffled = data.draw(st.permutations(sources))
    first, second = (found(draft, *each).probability for each in (sources, shuffled))
    assert (first is None) == (second is None)
    if first is not None:
        assert 0 <= first <= 1
        assert first == pytest.approx(second)


@given(draft=st.text(max_size=200), source=st.text(max_size=200))
def test_any_text_can_be_checked(draft: str, source: str) -> None:
    given = found(draft, Source(source, origin=source, kind=draft)).probability
    assert given is None or 0 <= given <= 1
