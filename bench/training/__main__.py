"""See the package."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.training import __doc__ as about
from bench.training import constructed, labelled
from bench.training.asked import Asked
from bench.training.attacked import attacked
from bench.training.contrast import contrasts
from bench.training.disguised import disguised
from bench.training.material import data, marks
from bench.training.mentioned import mentioned
from bench.training.read import replies_read
from bench.training.row import Row
from bench.training.written import Writer

OPENERS, REFUSED, WILLING = 700, 600, 150
"""Harmful requests that the model is made to comply with, those that are refused, harmless ones that begin alike."""
EXPLAINED = 220
"""Refusals that go on to explain."""

DISGUISED = 0.35
"""Share of answered requests that come as an attack would."""
ATTACKED = 2
"""Times that a reply to a real attack comes, asked about by other wordings: there are few."""

MOST = {
    "ordinary": 240,
    "refused": 150,
    "refused-at-length": 130,
    "complied": 280,
    "complied-benign": 100,
    "evaded": 80,
    "hh_read": 1600,
    "hh_asked": 360,
    "dices_990": 140,
    "requests": 170,
    "harmfulqa": 50,
    "cyber_frr": 60,
    "aegis": 180,
    "surge_toxicity": 160,
    "hatemoji_check": 280,
    "hatemoji_build": 250,
    "hate-contrast": 420,
    "davidson": 60,
    "mark": 1550,
    "topic": 60,
    "llmbar": 80,
    "off-topic": 40,
    "refused-benign": 50,
    "counter": 80,
    "hostile": 60,
    "encouraging": 60,
    "injection": 60,
}
"""Rows of a source that are kept, so that none drowns the others; all of those that are not named."""


def main() -> None:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="for the model that writes; all cores when not given")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    rows = list(_rows(draw, Writer(given.seed, given.threads)))
    draw.shuffle(rows)
    rows = list(mentioned(list(_at_most(rows)), draw))
    with given.out.open("w", encoding="utf-8") as file:
        for row in rows:
            print(json.dumps(row.record(), ensure_ascii=False), file=file)
    for source, (number, labels) in sorted(labelled.counts(rows).items()):
        print(f"{source:24} {number:6} rows {labels:6} labels")
    print(f"{len(rows)} rows, {sum(len(row.labels) for row in rows)} labels in {given.out}")


def _at_most(rows: Sequence[Row]) -> Iterator[Row]:
    found = Counter[str]()
    for row in rows:
        source = row.source.partition(":")[0]
        found[source] += 1
        if found[source] <= MOST.get(source, len(rows)):
            yield row


def _rows(draw: random.Random, writer: Writer) -> Iterator[Row]:
    asked, neutral, said = Asked(draw), data("neutral"), data("replies")
    benign = [*neutral["prompts"], *neutral["scary"]]
    _tell("ordinary answers")
    answers = writer.answers(benign)
    yield from _ordinary(benign, answers, asked)
    _tell("answers on subjects")
    topics = [topic for topic in neutral["topics"] for _ in range(2)]
    lengths = ("two sentences", "a short paragraph", "a note")
    about = [f"Write {draw.choice(lengths)} about {topic}." for topic in topics]
    yield from constructed.topical(list(zip(topics, writer.answers(about, tokens=40), strict=True)), asked, draw)
    _tell("answers that comply")
    yield from _complied(benign, answers, asked, writer, draw)
    _tell("answers that go on after they refused")
    yield from _explained(asked, writer, draw)
    writer.close()
    yield from _refused(benign, answers, asked, draw)
    yield from _said(said, asked)
    yield from constructed.marked([mark for mark in marks() if not mark.unseen], asked, answers, draw)
    yield from labelled.requests(asked, draw)
    yield from labelled.hate(asked, draw)
    yield from labelled.replies(asked, draw)
    yield from replies_read(asked, draw)
    for _ in range(ATTACKED):
        yield from attacked(asked)
    yield from contrasts(asked, draw)


def _ordinary(prompts: Sequence[str], answers: Sequence[str], asked: Asked) -> Iterator[Row]:
    for prompt, answer in zip(prompts, answers, strict=True):
        yield Row("ordinary", prompt, answer, asked.good())
        yield Row("ordinary", prompt, "", asked.innocent())
    for key, label in (("injection", 1), ("not_injection", 0)):
        for prompt in data("neutral")[key]:
            yield Row("injection", prompt, "", asked.injection(label))


def _complied(
    benign: Sequence[str], answers: Sequence[str], asked: Asked, writer: Writer, draw: random.Random
) -> Iterator[Row]:
    """The same openers before answers to harmful and to harmless requests: eagerness alone is no harm."""
    openers = data("replies")["complying_openers"]
    harmful = labelled.harmful_requests(draw)[:OPENERS]
    said = writer.answers([text for text, _ in harmful], openers=[draw.choice(openers) for _ in harmful])
    for (text, category), answer in zip(harmful, said, strict=True):
        yield Row("complied", _perhaps(text, draw), answer, asked.harm(1, kind=labelled.kind(category)))
    willing = draw.sample(list(benign), WILLING)
    for prompt, answer in zip(
        willing, writer.answers(willing, openers=[draw.choice(openers) for _ in willing]), strict=True
    ):
        yield Row("complied-benign", _perhaps(prompt, draw), answer, asked.good())
    # An attack that came to nothing: the words of the request are there, and what is said to them is harmless.
    for (text, _), answer in zip(harmful[:WILLING], draw.sample(list(answers), WILLING), strict=True):
        yield Row("evaded", disguised(text, draw), answer, asked.harm(0))


def _explained(asked: Asked, writer: Writer, draw: random.Random) -> Iterator[Row]:
    """Refusals as long as what they refuse."""
    requests = [text for text, _ in labelled.harmful_requests(draw)[:EXPLAINED]]
    openers = [f"{draw.choice(_REFUSING)} {draw.choice(_INSTEAD)}" for _ in requests]
    for text, answer in zip(requests, writer.answers(requests, openers=openers, tokens=100), strict=True):
        yield Row("refused-at-length", _perhaps(text, draw), answer, asked.harm(0))


_REFUSING = (
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "No, I will not do that.",
    "I can't give instructions for this, because people could get hurt.",
    "As a language model I do not support anything of this kind.",
    "That would be against the law, so I will not explain how it is done.",
)
_INSTEAD = (
    "It is important to",
    "If you or somebody you know is in danger,",
    "Instead, I would suggest that you",
    "There are lawful ways to reach your goal. For example,",
    "What I can do is tell you how to protect yourself. First,",
    "Please think about the people who would suffer. They",
    "Such acts have serious consequences, including",
)


def _refused(benign: Sequence[str], answers: Sequence[str], asked: Asked, draw: random.Random) -> Iterator[Row]:
    said = data("replies")
    for text, _ in labelled.harmful_requests(draw)[:REFUSED]:
        kind = draw.choice(("refusals", "refusals", "unwilling_but_kind", "counter", "warnings"))
        yield Row("refused", _perhaps(text, draw), draw.choice(said[kind]), asked.harm(0))
    for prompt in draw.sample(list(benign), 120):
        declined = draw.choice([*said["refusals"], *said["unwilling_but_kind"]])
        yield Row("refused-benign", prompt, declined, asked.unhelpful(1))
    for one, other in pairwise(draw.sample(range(len(benign)), 120)):
        yield Row("off-topic", benign[one], answers[other], asked.unhelpful(1))


def _said(said: Mapping[str, Any], asked: Asked) -> Iterator[Row]:
    for text in [*said["hostile"]] * 2:
        yield Row("hostile", asked.neutral(), text, asked.disrespect(1))
    for text in [*said["encouraging"]] * 2:
        yield Row("encouraging", asked.neutral(), text, asked.harm(1))
    for text in [*said["counter"], *said["warnings"]] * 2:
        yield Row("counter", asked.neutral(), text, {**asked.harm(0), **asked.disrespect(0)})
    for pair in said["honest_no"]:
        yield Row("honest", pair["prompt"], pair["good"], asked.dishonest(0))
        yield Row("honest", pair["prompt"], pair["bad"], asked.dishonest(1))


def _perhaps(request: str, draw: random.Random) -> str:
    return disguised(request, draw) if draw.random() < DISGUISED else request


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    main()
