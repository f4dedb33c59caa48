"""Texts that differ by a word, or by their frame, and so in what they do. All of contrast.yaml is the project's own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from bench.training.asked import Asked
from bench.training.material import data
from bench.training.row import Row

FILLED = 4
"""Groups that each pair of templates is filled with."""

_INSULTING = ("inferior", "profanity")
"""Kinds whose harmless half may insult people for what they do: no hate, but not respectful either."""


def contrasts(asked: Asked, draw: random.Random) -> Iterator[Row]:
    found = data("contrast")
    yield from _hate(found, asked, draw)
    for pair in found["requests_pairs"]:
        yield Row("contrast", pair["harmful"], "", asked.request(1))
        yield Row("contrast", pair["harmless"], "", asked.request(0))
    for row in found["jailbreaks"]:
        labels = {**asked.request(1), **asked.injection(1)} if row["harmful"] else asked.innocent()
        yield Row("contrast", row["text"], "", labels)
    for row in found["toxic_chat"]:
        yield Row("contrast", row["text"], "", asked.anything(1) if row["toxic"] else asked.innocent())
    for row in found["replies"]:
        yield Row("contrast", row["prompt"], row["response"], asked.harm(row["harmful"]))


def _hate(found: Mapping[str, Any], asked: Asked, draw: random.Random) -> Iterator[Row]:
    templates, groups = found["hate_templates"], found["groups"]
    for number in range(0, len(templates), 2):
        for group in draw.sample(groups["protected"], FILLED):
            other, thing = draw.choice(groups["other"]), draw.choice(groups["things"])
            said_by_user = draw.random() < 0.7
            for row in templates[number : number + 2]:
                if not row["hateful"] and "{other}" in row["text"] and row["kind"] in _INSULTING:
                    continue
                text = _filled(row["text"], group, other, thing)
                if said_by_user:
                    yield Row("hate-contrast", text, "", asked.rude(row["hateful"]))
                else:
                    yield Row("hate-contrast", asked.neutral(), text, asked.disrespect(row["hateful"]))


def _filled(template: str, group: Mapping[str, str], other: str, thing: str) -> str:
    plural = group["plural"]
    if " " not in template.replace("{group}", "x"):  # a hashtag, say
        plural = plural.replace(" ", "")
    text = template.replace("{group}", plural).replace("{member}", group["singular"])
    text = text.replace("{other}", other).replace("{thing}", thing)
    return text[:1].upper() + text[1:]
