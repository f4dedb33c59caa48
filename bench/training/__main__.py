"""See the package."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from bench.training import __doc__ as about
from bench.training import constructed, labelled
from bench.training.asked import Asked
from bench.training.material import data, marks
from bench.training.row import Row
from bench.training.written import Writer

OPENERS = 320
"""Harmful requests that the model is made to comply with."""


def main() -> None:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="for the model that writes; all cores when not given")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    rows = list(_rows(draw, Writer(given.seed, given.threads)))
    draw.shuffle(rows)
    with given.out.open("w", encoding="utf-8") as file:
        for row in rows:
            print(json.dumps(row.record(), ensure_ascii=False), file=file)
    for source, (number, labels) in sorted(labelled.counts(rows).items()):
        print(f"{source:24} {number:6} rows {labels:6} labels")
    print(f"{len(rows)} rows, {sum(len(row.labels) for row in rows)} labels in {given.out}")


def _rows(draw: random.Random, writer: Writer) -> Iterator[Row]:
    asked, neutral, said = Asked(draw), data("neutral"), data("replies")
    benign = [*neutral["prompts"], *neutral["scary"]]
    _tell("ordinary answers")
    answers = writer.answers(benign)
    for prompt, answer in zip(benign, answers, strict=True):
        yield Row("ordinary", prompt, answer, asked.good())
        yield Row("ordinary", prompt, "", asked.innocent())
    for prompt in neutral["injection"]:
        yield Row("injection", prompt, "", asked.injection(1))
    for prompt in neutral["not_injection"]:
        yield Row("injection", prompt, "", asked.injection(0))

    _tell("answers on subjects")
    topics = [topic for topic in neutral["topics"] for _ in range(2)]
    about = [
        f"Write {draw.choice(('two sentences', 'a short paragraph', 'a note'))} about {topic}." for topic in topics
    ]
    yield from constructed.topical(list(zip(topics, writer.answers(about, tokens=40), strict=True)), asked, draw)

    _tell("answers that comply")
    harmful = labelled.harmful_requests(draw)[:OPENERS]
    openers = [draw.choice(said["complying_openers"]) for _ in harmful]
    complied = writer.answers([text for text, _ in harmful], openers=openers)
    for (text, category), answer in zip(harmful, complied, strict=True):
        yield Row("complied", text, answer, asked.harm(1, kind=labelled.kind(category)))
    willing = draw.sample(list(zip(benign, answers, strict=True)), 110)
    opened = [draw.choice(said["complying_openers"]) for _ in willing]
    for (prompt, _), answer in zip(willing, writer.answers([p for p, _ in willing], openers=opened), strict=True):
        yield Row("complied-benign", prompt, answer, asked.good())
    writer.close()

    declining = [*said["refusals"], *said["unwilling_but_kind"]]
    for text, _ in labelled.harmful_requests(draw)[:450]:
        kind = draw.choice(("refusals", "refusals", "unwilling_but_kind", "counter", "warnings"))
        yield Row("refused", text, draw.choice(said[kind]), asked.harm(0))
    for prompt in draw.sample(benign, 120):
        yield Row("refused-benign", prompt, draw.choice(declining), asked.unhelpful(1))
    swapped = draw.sample(range(len(benign)), 120)
    for one, other in pairwise(swapped):
        yield Row("off-topic", benign[one], answers[other], asked.unhelpful(1))
    for text in [*said["hostile"]] * 2:
        yield Row("hostile", asked.neutral(), text, asked.disrespect(1))
    for text in [*said["encouraging"]] * 2:
        yield Row("encouraging", asked.neutral(), text, asked.harm(1))
    for text in [*said["counter"], *said["warnings"]] * 2:
        yield Row("counter", asked.neutral(), text, {**asked.harm(0), **asked.disrespect(0)})
    for pair in said["honest_no"]:
        yield Row("honest", pair["prompt"], pair["good"], asked.dishonest(0))
        yield Row("honest", pair["prompt"], pair["bad"], asked.dishonest(1))

    yield from constructed.marked([mark for mark in marks() if not mark.unseen], asked, answers, draw)
    yield from labelled.requests(asked, draw)
    yield from labelled.hate(asked, draw)
    yield from labelled.replies(asked, draw)


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    main()
