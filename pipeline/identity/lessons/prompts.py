"""The prompts that lessons are made from: the user's, or the project's neutral ones, and what the model invents."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.identity.steer.probes import held_out_prompts
from pipeline.inputs import BadLine, PromptIn, json_lines, looks_like_json
from pipeline.llama import Engine, Generation, Sampling

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


def read_prompts(file: Path) -> list[str]:
    """A prompt a line, or JSON lines with `prompt`. Raises `BadInput`, naming file and line."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as exc:
        raise BadInput(f"{file} cannot be read: {exc.strerror}") from exc
    found = _json(file, lines) if lines and looks_like_json(lines[0]) else _plain(file, lines)
    if not found:
        raise BadInput(f"{file} has no prompt: give one a line, or JSON lines with `prompt`")
    return list(dict.fromkeys(found))


def _plain(file: Path, lines: Sequence[bytes]) -> list[str]:
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(line.decode("utf-8-sig" if number == 1 else "utf-8").strip())
        except UnicodeDecodeError as exc:
            raise BadInput(f"{file}:{number}: not UTF-8: byte 0x{line[exc.start]:02x} at {exc.start + 1}") from exc
    return [line for line in found if line]


def _json(file: Path, lines: Sequence[bytes]) -> list[str]:
    found = []
    for number, line in json_lines(lines, PromptIn):
        if isinstance(line, BadLine):
            raise BadInput(f"{file}:{number}: {line.why}")
        if line.prompt is None or not line.prompt.strip():
            raise BadInput(f"{file}:{number}: an identity is built from single prompts: give `prompt`, not blank")
        found.append(line.prompt.strip())
    return found


def invented(
    engine: Engine,
    given: Sequence[str],
    count: int,
    *,
    seed: int,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> list[str]:
    """Up to `count` more prompts in the manner of those `given`, by the model itself: it is shown a few, a line each,
    and writes the next line. None is one of the given, or of those that identities are measured with."""
    draw = random.Random(seed)
    known = {_plainly(prompt) for prompt in (*given, *held_out_prompts())}
    found: list[str] = []
    for group in range(TRIES * -(-count // SHARED)):
        if len(found) >= count:
            break
        shown = draw.sample(list(given), min(SHOWN, len(given)))
        for line in _lines(engine, shown, seed=(1_000_000 * seed + SHARED * group) % SEEDS):
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


def _plainly(prompt: str) -> str:
    return " ".join(_WORDS.findall(prompt.lower()))
