from __future__ import annotations

import random

import pytest

from pipeline.evaluation.baselines import bag_of_words, refusal_phrases
from pipeline.evaluation.metrics import figures
from pipeline.evaluation.rows import Row
from pipeline.near_duplicates import near_duplicates

WORDS = [f"{a}{b}{c}" for a in "bcdfgklm" for b in "aeiou" for c in "nrst"]


def row(number: int, text: str, label: int, response: str | None = None) -> Row:
    return Row("s", number, text, response, label, {})


def sentence(rng: random.Random, length: int = 12) -> str:
    return " ".join(rng.choices(WORDS, k=length))


@pytest.mark.parametrize(
    ("reply", "refuses"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I’m sorry, but I can’t help with that.", True),
        ("As an AI language model, I must refuse.", True),
        ("I cannot assist.", True),
        ("Sure, here is how.", False),
        ("The can is not sorry.", False),
    ],
)
def test_a_reply_without_a_refusal_counts_as_a_breach(reply: str, refuses: bool) -> None:
    """With typographic apostrophes too."""
    told = refusal_phrases([row(1, "how?", 1, reply)])
    assert told is not None
    assert bool(told.broken[0]) is not refuses


def test_where_rows_are_no_replies_there_is_nothing_to_refuse() -> None:
    """One without a response is enough."""
    assert refusal_phrases([row(1, "a", 1, "b"), row(2, "a", 0)]) is None


def test_words_that_tell_are_learnt() -> None:
    """A word that stands in every breach gives the label away."""
    rng = random.Random(1)
    rows = [row(i, sentence(rng) + (" venom" if i % 2 else ""), i % 2) for i in range(80)]
    told = bag_of_words(rows, [r.label for r in rows])
    assert told is not None
    area = figures(told, intervals=False).auroc
    assert area is not None
    assert area > 0.8


def test_near_duplicates_do_not_leak_from_fold_to_fold() -> None:
    """Labels drawn by chance, every text four times with a word changed: nothing can be learnt from the others."""
    rng = random.Random(2)
    rows = []
    for i in range(60):
        text, label = sentence(rng, 30), i % 2
        rows += [row(4 * i + k, f"{text} {rng.choice(WORDS)}", label) for k in range(4)]
    rng.shuffle(rows)
    told = bag_of_words(rows, [r.label for r in rows])
    assert told is not None
    area = figures(told, intervals=False).auroc
    assert area is not None
    assert 0.25 < area < 0.75


def test_too_few_rows_of_a_class_have_no_baseline() -> None:
    """Rather than one made from nothing."""
    rng = random.Random(3)
    rows = [row(i, sentence(rng), int(i < 4)) for i in range(40)]
    assert bag_of_words(rows, [r.label for r in rows]) is None


def test_one_prompt_and_nearly_one_text_are_one_group() -> None:
    """Case and punctuation do not count; other texts stand alone, and empty ones too."""
    rng = random.Random(4)
    long = sentence(rng, 60)
    prompts = ["How are you?", "how are you", long, long + " more", "something else", "", ""]
    texts = ["How are you? a b", "how are you c d", long, long + " more", "something else", "", ""]
    groups = near_duplicates(prompts, texts)
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 5
