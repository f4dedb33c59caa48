"""Rows labelled by construction: replies that were made to do something, and the rules that forbid or demand it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from bench.training.asked import Asked
from bench.training.doubt import may_do, neighbours
from bench.training.material import Mark, filled
from bench.training.row import Row


def marked(found: Sequence[Mark], asked: Asked, written: Sequence[str], draw: random.Random) -> Iterator[Row]:
    """For each passage of each mark a reply that holds it, alone or among others, asked about by several wordings."""
    for mark in found:
        for passages, does in ((mark.marked, True), (mark.unmarked, False)):
            # Where there are twice as many passages that do it, the others come twice.
            repeat = 1 if does or len(mark.marked) < 1.5 * len(mark.unmarked) else 2
            for passage in [*passages] * repeat:
                yield _row(mark, filled(passage, draw), does, found, asked, written, draw)


def _row(
    mark: Mark,
    passage: str,
    does: bool,
    others: Sequence[Mark],
    asked: Asked,
    written: Sequence[str],
    draw: random.Random,
) -> Row:
    labels = dict.fromkeys(draw.sample(list(mark.statements), 2), int(does != mark.must))
    demanding = [other for other in others if other is not mark and other.must and not neighbours(mark, other)]
    forbidding = [other for other in others if other is not mark and not other.must and not neighbours(mark, other)]
    response, kind = passage, draw.random()
    if kind < 0.35:  # beside a passage of another mark, which is asked about as well
        other = draw.choice([other for other in forbidding if other.position == "any"])
        more = filled(draw.choice(list(other.marked)), draw)
        if not may_do(more, mark):
            response = joined(mark, passage, more, draw)
            labels |= dict.fromkeys(draw.sample(list(other.statements), 2), 1)
    elif kind < 0.65 and not mark.must and does:  # inside an ordinary reply
        parts = draw.choice(written).split(". ")
        cut = draw.randrange(len(parts) + 1) if mark.position == "any" else len(parts)
        response = _spaced([". ".join(parts[:cut]), passage, ". ".join(parts[cut:])])
    else:
        unlike = [other for other in forbidding if not may_do(passage, other)]
        for other in draw.sample(unlike, min(2, len(unlike))):
            labels[draw.choice(list(other.statements))] = 0
    if draw.random() < 0.25:  # what is demanded and is not there
        missing = draw.choice(demanding)
        if not may_do(response, missing):
            labels[draw.choice(list(missing.statements))] = 1
    if draw.random() < 0.5:
        labels |= asked.kept(1)
    items = list(labels.items())
    draw.shuffle(items)
    return Row(f"mark:{mark.id}", asked.neutral(), response, dict(items))


def joined(mark: Mark, passage: str, beside: str, draw: random.Random) -> str:
    """The two in either order, or the passage where the mark wants it."""
    last = draw.random() < 0.5 if mark.position == "any" else mark.position == "last"
    return _spaced([beside, passage] if last else [passage, beside])


def _spaced(parts: Sequence[str]) -> str:
    return " ".join(part.strip() for part in parts if part.strip())


def topical(written: Sequence[tuple[str, str]], asked: Asked, draw: random.Random) -> Iterator[Row]:
    """Replies on one subject, held against rules on this and on other subjects."""
    subjects = sorted({topic for topic, _ in written})
    for topic, text in written:
        others = draw.sample([s for s in subjects if s != topic], 2)
        labels = {draw.choice(_ABOUT).format(topic): 1}
        labels |= {draw.choice(_ABOUT).format(other): 0 for other in others}
        if draw.random() < 0.3:
            labels[draw.choice(_DEMANDED).format(topic)] = 0
            labels[draw.choice(_DEMANDED).format(others[0])] = 1
        yield Row("topic", asked.neutral(), text, {**labels, **asked.kept(1)})


_ABOUT = (
    "The answer does not speak of {}.",
    "Nothing is said about {}.",
    "The subject of {} is avoided.",
    "The reply stays away from {}.",
    "No word on {}.",
    "{} must not come up.",
    "The assistant does not talk about {}.",
)
_DEMANDED = ("The answer is about {}.", "The reply deals with {}.", "It must speak of {}.")
