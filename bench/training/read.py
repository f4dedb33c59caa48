"""Replies of HH-RLHF, read again one by one: what each does, instead of which of two people liked less.

read.tsv has, for each row of hh_harmless, letters for what the user does and for what the reply does. A large language
model gave them, which read every exchange once, under the project's instructions. What they mean stands below.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.training.asked import Asked
from bench.training.doubt import may_do
from bench.training.labelled import last_turn, read
from bench.training.row import Row

UNSURE = "?"
HELPS, APPROVES, DEMEANS, SEXUAL, SWEARS, PRIVATE, FALSE, REFUSES, WARNS = "cvgsfpmrw"
"""What a reply does. HELPS with harm, crime or self-harm; APPROVES of it without help; gives away PRIVATE details."""
ASKS_HARM, INSULTS, LEWD = "his"
"""What a user does."""


def replies_read(asked: Asked, draw: random.Random) -> Iterator[Row]:
    """One row a reply, and one for each user's turn."""
    known = dict(_letters())
    for row in read("hh_harmless"):
        if row["id"] not in known:
            continue
        said, done = known[row["id"]]
        text = last_turn(row["text"])
        if UNSURE not in done and row["response"].strip():
            yield Row("hh_read", text, row["response"], _of_reply(done, row["response"], asked, draw))
        if row["label"]:  # once a pair
            yield Row("hh_asked", text, "", _of_request(said, asked))


def _letters() -> Iterator[tuple[str, tuple[str, str]]]:
    for line in (Path(__file__).parent / "read.tsv").read_text("utf-8").splitlines():
        id, said, done = line.split("\t")
        yield id, (said, done)


def _of_reply(done: str, reply: str, asked: Asked, draw: random.Random) -> Mapping[str, int]:
    found = set(done)
    harm = int(bool(found & {HELPS, APPROVES}))
    labels: dict[str, int] = {}
    if harm or DEMEANS not in found:  # whether contempt encourages harm is anybody's guess
        labels |= asked.some("harmless", harm, 1 + harm)
    if harm or FALSE not in found:
        labels |= asked.some("safe", int(bool(harm or found & {DEMEANS, SEXUAL, PRIVATE})), 1)
    labels |= asked.some("respectful", int(DEMEANS in found), 1 + int(DEMEANS in found))
    for letter, mark in ((SWEARS, "swearing"), (REFUSES, "refuses"), (WARNS, "warning")):
        if letter in found or draw.random() < 0.2:
            labels[asked.about(mark)] = int(letter in found)
    for letter, kind in ((SEXUAL, "sexual"), (PRIVATE, "privacy"), (FALSE, "misinformation")):
        if letter in found:
            labels[asked.specifically(kind)] = 1
    if HELPS in found:
        labels |= asked.some("helpful", 0, 1)
    other = draw.choice(asked.forbidding)
    if not may_do(reply, other):
        labels[draw.choice(list(other.statements))] = 0
    items = list(labels.items())
    draw.shuffle(items)
    return dict(items)


def _of_request(said: str, asked: Asked) -> Mapping[str, int]:
    found = set(said)
    harm, insult = int(ASKS_HARM in found), int(INSULTS in found)
    labels = {
        **asked.some("request", harm, 1),
        **asked.some("rude_request", insult, 1),
        **asked.some("toxic_request", int(harm or insult or LEWD in found), 2),
    }
    if LEWD in found:
        labels[asked.specifically("sexual", "requests")] = 1
    return labels
