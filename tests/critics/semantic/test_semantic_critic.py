from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Exchange, Finding, ModelError, Panel, Rule, SemanticCritic, Unreadable
from critics.manifesto.schema import Example, Semantic
from critics.semantic.embedder import Vectors
from critics.semantic.neighbours import Neighbours
from critics.semantic.parts import SIZE, parts

TOPICS = ("dose", "garden", "tax")


class Topical:
    """Embeds by how often each topic is named, with one more direction for all else; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        counts = [[float(text.count(topic)) for topic in TOPICS] for text in texts]
        rows = [[*row, 0.0 if any(row) else 1.0] for row in counts]
        return np.asarray(rows, dtype=np.float32)


BROKEN, KEPT = "Take a double dose.", "Water the garden."
EXAMPLES = (Example(text=BROKEN, breaks=True), Example(text=KEPT, breaks=False))
RULE = Rule(id="a", statement="A.", critics=("semantic",), examples=EXAMPLES)


def found(text: str, rule: Rule = RULE) -> Finding:
    (finding,) = SemanticCritic(Topical())(Exchange((), text), [rule])
    return finding


def test_what_is_like_a_breaking_example_breaks_the_rule() -> None:
    """And names the example; what is like a keeping one keeps it."""
    finding = found("One dose more.")
    assert finding.probability is not None
    assert finding.probability > 0.99
    assert finding.critique == f"it is close to the example “{BROKEN}”"
    assert (found("My garden.").probability or 1) < 0.01


def test_what_is_like_no_example_is_undecided() -> None:
    """Neither broken nor kept: nobody said anything of taxes."""
    finding = found("Pay the tax.")
    assert finding.probability is None
    assert "no example is close to “Pay the tax.”" in finding.critique


def test_how_near_is_near_is_the_rules_to_say() -> None:
    """A dose and two taxes are 0.45 away from the dose."""
    text = "A dose, a tax, a tax."
    assert found(text).probability is not None
    strict = RULE.model_copy(update={"semantic": Semantic(min_similarity=0.6)})
    assert found(text, strict).probability is None


def test_the_worst_part_of_a_long_text_counts_and_its_worst_sentence_is_shown() -> None:
    """Between pages of gardening; the span is of the text as it was handed in."""
    bad = "Then take a dose\u200b of it."
    garden, mixed = "The garden grows. " * 200, "A tax, a garden and a dose. " * 80
    text = f"{garden}{mixed}{bad} {mixed}{garden}"
    finding = found(text)
    assert finding.probability is not None
    assert finding.probability >= 0.5
    (span,) = finding.spans
    assert text[slice(*span)] == bad


def test_a_breach_stands_where_its_sentences_cannot_be_embedded() -> None:
    """Then the whole part is shown."""
    topical = Topical()

    def whole_parts_only(texts: Sequence[str]) -> Vectors:
        if "A dose." in texts:
            raise ModelError("too short")
        return topical(texts)

    (finding,) = SemanticCritic(whole_parts_only)(Exchange((), "A dose. Two doses."), [RULE])
    assert (finding.outcome(0.5), finding.spans) == ("broken", ((0, 18),))


def test_a_strange_part_keeps_a_long_text_from_passing() -> None:
    """Thousands of familiar words do not outvote a page that nobody could judge; a broken part does."""
    strange = "The garden grows. " * 300 + "Pay the tax. " * 300
    assert found(strange).probability is None
    assert found(strange + "One dose. " * 300).probability is not None


def test_a_breach_beside_a_strange_part_says_that_it_is_of_a_part() -> None:
    """By a higher threshold it would leave the rule undecided, so nobody may take its probability for the whole."""
    strange = "Pay the tax. " * 300
    assert found(strange + "One dose. " * 300).in_part
    assert not found("One dose.").in_part


def test_a_disguise_is_seen_through() -> None:
    """An invisible character inside a word changes nothing."""
    assert found("One d\u200bose more.").probability == found("One dose more.").probability


def test_examples_are_embedded_once() -> None:
    """However many texts are judged, by however many rules that share them; a text once for all rules."""
    embedder = Topical()
    critic = SemanticCritic(embedder)
    rules = [RULE, RULE.model_copy(update={"id": "b"})]
    for text in ("My garden.", "A garden."):
        assert len(critic(Exchange((), text), rules)) == 2
    assert sorted(text for texts in embedder.asked for text in texts) == sorted(
        [BROKEN, KEPT, "My garden.", "A garden."]
    )


@pytest.mark.parametrize("examples", [(), EXAMPLES[:1], EXAMPLES[1:]])
def test_without_examples_of_both_kinds_nothing_is_decided(examples: tuple[Example, ...]) -> None:
    """A rule that has only one kind would find everything like it."""
    assert found("One dose.", RULE.model_copy(update={"examples": examples})).probability is None


@pytest.mark.parametrize(
    "nonsense",
    [np.zeros((1, 3)), np.full((1, 3), np.nan), np.full((1, 3), np.inf), np.ones(3), np.ones((2, 3))],
    ids=["zeros", "NaN", "infinite", "no rows", "too many rows"],
)
def test_vectors_that_are_none_pass_nothing(nonsense: np.ndarray) -> None:
    """An embedder that answers nonsense has judged nothing."""
    critic = SemanticCritic(lambda texts: nonsense)
    with pytest.raises(Unreadable):
        critic(Exchange((), "x"), [RULE])
    assert Panel({"semantic": critic})(Exchange((), "x"), [RULE])[0].probability is None


unit = (
    st.lists(st.floats(-1, 1), min_size=4, max_size=4).map(np.asarray).filter(lambda v: float(np.linalg.norm(v)) > 0.1)
)


@given(text=unit, near=unit, far=unit, count=st.integers(1, 9))
def test_nearer_to_the_breaking_examples_is_never_safer(
    text: np.ndarray, near: np.ndarray, far: np.ndarray, count: int
) -> None:
    """And the probability is one, and exchanging the two kinds turns it round."""
    text, near, far = (np.asarray([v / np.linalg.norm(v)], dtype=np.float32) for v in (text, near, far))
    (p,) = Neighbours(("x",), near, far)(text, count=count).probability
    (turned,) = Neighbours(("x",), far, near)(text, count=count).probability
    assert 0 <= p <= 1
    assert p + turned == pytest.approx(1, abs=1e-6)
    lead = float((text @ near.T)[0, 0]) - float((text @ far.T)[0, 0])
    assert abs(lead) < 1e-12 or (p >= 0.5) == (lead >= 0)  # nearer than that a probability cannot tell


def test_only_as_many_of_each_kind_count_as_both_have() -> None:
    """One breaking example and many keeping ones, all equally near, are a tie: the mean of many is not lower."""
    near, far = np.asarray([[1.0, 0.0]], np.float32), np.asarray([[0.0, 1.0]], np.float32)
    keeping = np.concatenate([near, *[far] * 7])
    assert Neighbours(("x",), near, keeping)(near, count=8).probability == pytest.approx([0.5])


@given(st.text(max_size=6000))
def test_parts_leave_nothing_out(text: str) -> None:
    """Every character is in a part, whatever the script."""
    covered = {index for span in parts(text) for index in range(*span)}
    assert covered == set(range(len(text)))


def test_a_part_of_dense_script_is_shorter() -> None:
    """A Chinese character is a token, four English letters are one."""
    assert max(span.end - span.start for span in parts("漢" * 5000)) == SIZE // 4
    assert parts("word " * 200) == ((0, 1000),)
