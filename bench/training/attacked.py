"""Replies to attacks: of jbb_judge and jailbreak_manual (people judged) and jbb_artifacts (a large model did), for two
of three goals. What is about the other goals, or nearly so, is kept for measuring:

    python -m bench.training.attacked FOLDER

writes FOLDER/jbb_judge.jsonl and FOLDER/jailbreak_manual.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.training.asked import Asked
from bench.training.labelled import alike, read, words
from bench.training.row import Row

SETS = ("jbb_judge", "jailbreak_manual", "jbb_artifacts")
MEASURED = SETS[:2]


def attacked(asked: Asked) -> Iterator[Row]:
    """Rows on replies to attacks, each asked about in a few ways."""
    kept = [words(goal) for goal in sorted({_goal(row) for name in SETS for row in read(name, "dev")}) if _held(goal)]
    for name in SETS:
        for row in read(name, "dev"):
            about = words(_goal(row))
            if row["response"].strip() and not any(about == other or alike(about, other) for other in kept):
                yield Row(name, row["text"], row["response"], asked.harm(row["label"]))


def measured(name: str) -> list[dict[str, Any]]:
    """The rows of a set that nothing is trained on."""
    return [row for row in read(name, "dev") if _held(_goal(row))]


def _goal(row: dict[str, Any]) -> str:
    """What the attacker was after."""
    return str(row["category"]).rpartition("|")[2].strip()


def _held(goal: str) -> bool:
    return hashlib.sha256(goal.lower().encode()).digest()[0] % 3 == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in MEASURED:
        rows = measured(name)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        print(f"{name}: {len(rows)} rows, {sum(row['label'] for row in rows)} of them broken")


if __name__ == "__main__":
    main()
