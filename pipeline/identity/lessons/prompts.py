"""Prompts that the model invents, in the manner of those that lessons are made from."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from pipeline.identity.steer.probes import held_out_prompts
from pipeline.llama import Engine, Generation, Sampling
from pipeline.near_duplicates import near_duplicates

SHOWN = 8
"""Prompts that the model is shown, to go on with one like them."""

SHARED = 32
"""Inventions that are shown the same prompts, so that these are read once."""

LONGEST = 40
"""Tokens of an invention; one that is longer is left out."""

SEEDS = 1 << 31

SHORTEST = 4
"""Words of an invention."""

TRIES = 3
"""Inventions that are drawn at most for one that is wanted: many repeat one another, or are none."""

_WORDS = re.compile(r"\w+")


def invented(
    engine: Engine,
    given: Sequence[str],
    count: int,
    *,
    seed: int,
    held: Sequence[str] = (),
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> list[str]:
    """Up to `count` more prompts in the manner of those `given`, by the model itself: it is shown a few, a line each,
    and writes the next line. None is one of the given, nor nearly one of those `held` out or of those that identities
    are measured with."""
    draw = random.Random(seed)
    known, apart = {_plainly(prompt) for prompt in given}, (*held, *held_out_prompts())
    found: list[str] = []
    for group in range(TRIES * -(-count // SHARED)):
        if len(found) >= count:
            break
        shown = draw.sample(list(given), min(SHOWN, len(given)))
        for line in _unlike(apart, _lines(engine, shown, seed=(1_000_000 * seed + SHARED * group) % SEEDS)):
            if len(_WORDS.findall(line)) >= SHORTEST and _plainly(line) not in known:
                known.add(_plainly(line))
                found.append(line)
        stepped(min(len(found), count), count)
    return found[:count]


def _lines(engine: Engine, shown: Sequence[str], *, seed: int) -> list[str]:
    ids = tuple(engine.model.tokenise("".join(f"{' '.join(prompt.split())}\n" for prompt in shown), False))
    writings = [
        engine.generate(
            Generation(ids, LONGEST, Sampling(1.0, top_p=0.95, min_p=0.02, seed=seed + number), stop=("\n",))
        )
        for number in range(SHARED)
    ]
    found = []
    for writing in writings:
        text, finish = "", None
        for chunk in writing:
            text, finish = text + chunk.text, chunk.finish
        if finish == "stop":
            found.append(" ".join(text.split()))
    return found


def _unlike(apart: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Those lines that do not nearly repeat a prompt which is to be kept apart."""
    group = near_duplicates([""] * (len(apart) + len(lines)), (*apart, *lines))
    taken = set(group[: len(apart)])
    return [line for line, number in zip(lines, group[len(apart) :], strict=True) if number not in taken]


def _plainly(prompt: str) -> str:
    return " ".join(_WORDS.findall(prompt.lower()))
