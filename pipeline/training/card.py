"""The model card beside what was trained: what it is, from what, and how good it was found to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from pipeline.files.replacing import writing
from pipeline.training.rows import Row

TOGETHER = "replies to some prompts are both learnt from and held out, so that the figures may flatter"
"""Where a split does not keep prompts apart."""
STARTED = (
    "what the adapter that it started from had learnt is not known here, and may be what is held out, so that the "
    "figures may flatter"
)
"""Where training went on from an adapter: the split may have been another then."""


@dataclass(frozen=True)
class Card:
    """`what` it is in a sentence, `made` how, and `figures` a table: a row of headings, then the others. They are of
    held-out rows, of which `chose` chose what was kept, and `prompts_apart` is as in `Split`. `started` says that it
    went on from an adapter."""

    what: str
    made: Mapping[str, object]
    figures: Sequence[Sequence[str]]
    prompts_apart: bool
    chose: int = 0
    started: bool = False


def write_card(file: Path, rows: Sequence[Row], card: Card) -> Path:
    """Write the card for `file`, which was trained on `rows`, beside it, and say where. One that is there is kept:
    somebody may have finished it. Raises `OutputFault`."""
    path = _free(file.with_suffix(".md"))
    with writing(path):
        path.write_text("\n".join(_lines(file, rows, card)) + "\n", "utf-8")
    return path


def _free(path: Path) -> Path:
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(free for free in chain([path], others) if not free.exists())


def _lines(file: Path, rows: Sequence[Row], card: Card) -> Iterable[str]:
    yield f"# {file.name}\n"
    yield f"{card.what} Trained on {datetime.now(UTC):%Y-%m-%d}.\n"
    yield from (f"- {name}: {value}" for name, value in card.made.items())
    yield "\n## Data\n"
    yield from _table([("source", "exchanges", "labels", "broken"), *_sources(rows)])
    yield "\n## Figures, on held-out rows that are near-duplicates of none that was learnt from\n"
    yield from (f"{sentence}\n" for sentence in _remarks(card))
    yield from _table(card.figures)
    yield "\n## Licence and limits\n"
    yield "To be said by who made it: the licences of the data, what it was not trained for, where it failed."


def _remarks(card: Card) -> Iterable[str]:
    """On the figures."""
    if not card.prompts_apart:
        yield f"Of these, {TOGETHER}."
    elif not card.started:
        yield "None of their prompts was learnt from."
    if card.started:
        yield f"But {STARTED}."
    if card.chose:
        yield f"The best check, which is what was kept, was chosen by {card.chose} of these rows."


def _sources(rows: Sequence[Row]) -> Iterable[tuple[object, ...]]:
    exchanges, labels, broken = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        source = row.source.partition(":")[0]
        exchanges[source] += 1
        labels[source] += len(row.labels)
        broken[source] += sum(row.labels.values())
    for source in sorted(exchanges):
        yield source, exchanges[source], labels[source], broken[source]
    yield "all", exchanges.total(), labels.total(), broken.total()


def _table(rows: Sequence[Sequence[object]]) -> Iterable[str]:
    head, *body = rows
    yield f"| {' | '.join(map(str, head))} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(str, row))} |" for row in body)
