"""What the project wrote for training: rules, passages that break them and passages that only look like it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_SLOT = re.compile(r"\{(\w+)\}")
SLOTS: Mapping[str, Sequence[str]] = {
    "city": ("Lisbon", "Osaka", "Nairobi", "Denver", "Leeds", "Lima", "Tallinn", "Hanoi", "Perth", "Quito"),
    "person": ("Maria", "Tom", "Aisha", "Mr Keller", "Dr Novak", "Yuki", "Samuel", "Ms Ortega", "Ivan", "Grace"),
    "animal": ("dog", "heron", "goat", "tortoise", "horse", "fox", "parrot", "salmon", "hedgehog", "cow"),
    "number": ("3", "7", "12", "18", "25", "40", "60", "90", "150", "2"),
    "month": ("January", "March", "May", "June", "August", "October", "November"),
    "product": ("kettle", "bicycle", "lamp", "jacket", "laptop", "sofa", "camera", "tent", "printer"),
    "day": ("Monday", "Tuesday", "Thursday", "Friday", "Saturday"),
}


@dataclass(frozen=True)
class Mark:
    """Something that a text can do. `statements` forbid it (or demand it, where `must`). `position` is where in a reply
    it counts: first, last or any."""

    id: str
    statements: Sequence[str]
    input_statements: Sequence[str]
    marked: Sequence[str]
    unmarked: Sequence[str]
    must: bool = False
    unseen: bool = False
    position: str = "any"


def data(name: str) -> Any:
    """One of the YAML files beside this one."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text("utf-8"))


@lru_cache(maxsize=1)
def marks() -> tuple[Mark, ...]:
    """All of them; those to test on are `unseen`."""
    rows = [(row, True, row.get("unseen", False)) for row in data("must")]
    for name in ("marks", "marks_acts", "marks_manner"):
        found = data(name)
        for key in ("train", "unseen", "must"):
            rows += [(row, key == "must", key == "unseen") for row in found.get(key, ())]
    return tuple(
        Mark(
            id=row["id"],
            statements=row["statements"],
            input_statements=row.get("input_statements", ()),
            marked=row["marked"],
            unmarked=row["unmarked"],
            must=must,
            unseen=unseen,
            position=row.get("position", "any"),
        )
        for row, must, unseen in rows
    )


def filled(text: str, draw: random.Random) -> str:
    """The passage with a value in each slot."""
    return _SLOT.sub(lambda slot: draw.choice(SLOTS[slot[1]]) if slot[1] in SLOTS else slot[0], text)
