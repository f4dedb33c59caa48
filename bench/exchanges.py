"""Labelled exchanges from the evaluation data, which stays where it is: none of it is in the project."""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from critics import Exchange, Message
from pipeline.llama import LlamaModel

ANSWERED = ("beavertails", "jbb_judge", "jailbreak_manual", "jbb_artifacts")
"""Sets whose label is on the response."""
ASKED = ("toxic_chat_train",)
"""Sets whose label is on the user's words, which have no response."""
CUT = 200
"""Tokens of a text that are used, at most."""


@dataclass(frozen=True)
class Labelled:
    """An exchange, the set that it is from, and 1 where it does harm."""

    source: str
    exchange: Exchange
    label: int


def folder() -> Path:
    """`SUPEREGO_EVAL`, or where it lies beside the project. Ends the program where it is missing."""
    path = Path(os.environ.get("SUPEREGO_EVAL", Path(__file__).parent.parent.parent / "shared" / "eval" / "dev"))
    if not path.is_dir():
        sys.exit(f"There is no evaluation data at {path}: set SUPEREGO_EVAL to the folder with its .jsonl files.")
    return path


def sample(model: LlamaModel, names: tuple[str, ...], rows: int, *, seed: int = 0) -> list[Labelled]:
    """At most `rows` exchanges in all, as even a share of each set as there is."""
    found: list[Labelled] = []
    sets = sorted(((name, lines(name)) for name in names), key=lambda pair: len(pair[1]))
    for place, (name, every) in enumerate(sets):
        share = (rows - len(found)) // (len(sets) - place)
        drawn = random.Random(f"{seed} {name}").sample(every, min(share, len(every)))
        found += [_labelled(model, name, json.loads(line)) for line in drawn]
    return found


def lines(name: str) -> list[str]:
    """Of a set, which may be named from the folder: `../train/davidson`. Ends the program where it is missing."""
    path = folder() / f"{name}.jsonl"
    if not path.is_file():
        sys.exit(f"There is no {path}: SUPEREGO_EVAL must be the folder with the evaluation data.")
    with path.open(encoding="utf-8") as file:
        return list(file)


def _labelled(model: LlamaModel, name: str, row: dict[str, object]) -> Labelled:
    said = _cut(model, str(row["response"])) or None
    return Labelled(
        name, Exchange((Message("user", _cut(model, str(row["text"])) or "-"),), said), int(str(row["label"]))
    )


def _cut(model: LlamaModel, text: str) -> str:
    ids = model.tokenise(text, False)
    return b"".join(map(model.piece, ids[:CUT])).decode("utf-8", "ignore") if len(ids) > CUT else text
