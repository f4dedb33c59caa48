"""Rows from sets that people labelled, as far as their licence lets the trained adapter be given away.

Left out, although their licence allows it: what the shipped judge is measured on (notinject, cyberseceval_injection,
jbb_behaviors, a third of hatemoji_check and of the replies to attacks, see attacked.py), and prompts of other sets that
nearly repeat a goal of those.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.exchanges import folder
from bench.training.asked import Asked
from bench.training.disguised import disguised
from bench.training.row import Row

HELD_FUNCTIONALITIES = ("descriptor_swap", "verb_swap", "positive_confounder")
"""Of hatemoji_check, for measuring."""

_MEASURED = ("jbb_judge", "jailbreak_manual", "jbb_artifacts", "jbb_behaviors")
_CATEGORIES = {
    "Drug": "drugs",
    "Weapon": "weapons",
    "Cybercrime": "hacking",
    "Theft": "theft",
    "Violence": "violence",
    "Fraud": "fraud",
    "Hate": "hate",
    "Harass": "harassment",
    "Sexual": "sexual",
    "sexual": "sexual",
    "Child": "child-safety",
    "Malware": "malware",
    "Privacy": "privacy",
    "Disinformation": "misinformation",
    "Self": "self-harm",
    "suicide": "self-harm",
}
_TURN = re.compile(r"\n*(Human|Assistant):")
_TWITTER = re.compile(r"(&#\d+;|&amp;|https?://\S+|^\"+|\"+$)")


def read(name: str, part: str = "train") -> list[dict[str, Any]]:
    with (folder().parent / part / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def harmful_requests(draw: random.Random) -> list[tuple[str, str]]:
    """Requests that ask for harm, and of which kind where that is known; none that a measured set repeats."""
    known = [words(row["text"]) for name in _MEASURED for row in read(name, "dev")]
    known += [words(row["category"].split("|")[-1]) for name in _MEASURED for row in read(name, "dev")]
    known = [said for said in known if len(said) > 3]
    found = [
        (row["text"], row["category"])
        for name, part in (("advbench", "dev"), ("catqa", "dev"), ("dangerousqa", "dev"), ("strongreject", "train"))
        for row in read(name, part)
        if not any(alike(words(row["text"]), said) for said in known)
    ]
    draw.shuffle(found)
    return found


def requests(asked: Asked, draw: random.Random) -> Iterator[Row]:
    """Rows on what users ask for."""
    for text, category in harmful_requests(draw):
        shown = disguised(text, draw) if draw.random() < 0.15 else text
        yield Row("requests", shown, "", asked.request(1, kind=kind(category)))
    for row in draw.sample(read("harmfulqa"), 450):
        yield Row("harmfulqa", row["text"], "", asked.request(1))
    for row in draw.sample(read("cyber_frr"), 150):
        yield Row("cyber_frr", row["text"], "", asked.request(0))
    for row in read("aegis"):
        yield Row("aegis", row["text"], "", asked.anything(row["label"]))


def hate(asked: Asked, draw: random.Random) -> Iterator[Row]:
    """Rows on hateful and abusive words, said by users and by assistants."""
    rows = [("surge_toxicity", row["text"], row["label"]) for row in read("surge_toxicity")]
    rows += [("hatemoji_build", row["text"], row["label"]) for row in read("hatemoji_build")]
    plain = [row for row in read("davidson") if row["category"] != "offensive"]
    rows += [("davidson", _TWITTER.sub("", row["text"]), row["label"]) for row in draw.sample(plain, 600)]
    check = [r for r in read("hatemoji_check", "dev") if r["category"].split("|")[0] not in HELD_FUNCTIONALITIES]
    rows += [("hatemoji_check", row["text"], row["label"]) for row in draw.sample(check, min(700, len(check)))]
    for name, text, label in rows:
        if draw.random() < 0.7:
            yield Row(name, text, "", asked.rude(label))
        else:
            yield Row(name, asked.neutral(), text, asked.disrespect(label))


def replies(asked: Asked, draw: random.Random) -> Iterator[Row]:
    """Rows on chatbots' replies that people compared or rated."""
    for row in read("dices_990"):
        share = float(row["category"])
        if share >= 0.5 or (share < 0.25 and draw.random() < 0.6):
            turn = row["text"].replace("\\n", "\n").strip().splitlines()[-1].removeprefix("A: ")
            yield Row("dices_990", turn or "Hi", row["response"], asked.unsafe(int(share >= 0.5)))
    for row in read("llmbar", "dev"):
        yield Row("llmbar", row["text"], row["response"], asked.unhelpful(1 - row["label"]))
        if row["label"]:  # once a pair
            yield Row("llmbar", row["text"], "", asked.innocent())


def last_turn(conversation: str) -> str:
    """What the human said last, with what was said before it above."""
    parts = _TURN.split(conversation)
    turns = [(parts[i], parts[i + 1].strip()) for i in range(1, len(parts) - 1, 2)]
    said = [text for who, text in turns if who == "Human" and text]
    return "\n".join(said[-2:]) or conversation


def kind(category: str) -> str | None:
    return next((kind for word, kind in _CATEGORIES.items() if word in category), None)


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{3,}", text.lower()))


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) > 0.6 * min(len(one), len(other)) and len(one & other) > 2


def counts(rows: Sequence[Row]) -> Mapping[str, tuple[int, int]]:
    """For each source how many rows and how many labels it has."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        number, labels = found.get(row.source, (0, 0))
        found[row.source] = number + 1, labels + len(row.labels)
    return found
