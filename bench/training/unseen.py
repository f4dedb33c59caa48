"""Rules that no shipped critic was trained on, labelled by construction: a manifesto and rows for `superego eval`.

    python -m bench.training.unseen FOLDER [--seed 0]

Writes FOLDER/unseen.yaml, and rows of two kinds. In FOLDER/ordinary.jsonl a reply that does what the rule is about
stands against one that is about something else; in FOLDER/alike.jsonl against one in nearly the same words that does
not do it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.training.constructed import joined
from bench.training.doubt import may_do
from bench.training.material import Mark, data, filled, marks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    found = [mark for mark in marks() if mark.unseen]
    rules = [{"id": mark.id, "statement": mark.statements[0], "critics": ["judge"]} for mark in found]
    manifesto = {"name": "unseen", "version": "1", "rules": rules}
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "unseen.yaml").write_text(yaml.safe_dump(manifesto, sort_keys=False), "utf-8")
    for name, rows in (("alike", list(_alike(found, draw))), ("ordinary", list(_ordinary(found, draw)))):
        draw.shuffle(rows)
        with (given.folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for number, row in enumerate(rows):
                print(json.dumps({"id": f"{name}/{number}", **row}, ensure_ascii=False), file=file)
        print(f"{len(found)} rules, {len(rows)} rows in {given.folder / name}.jsonl")


def _alike(found: Sequence[Mark], draw: random.Random) -> Iterator[dict[str, Any]]:
    """Each passage alone, and beside one about something else."""
    for mark in found:
        unlike = _unlike(mark)
        for passages, does in ((mark.marked, True), (mark.unmarked, False)):
            for passage in passages:
                said = filled(passage, draw)
                for text in (said, joined(mark, said, filled(draw.choice(unlike), draw), draw)):
                    yield _row(mark, text, does, draw)


def _ordinary(found: Sequence[Mark], draw: random.Random) -> Iterator[dict[str, Any]]:
    """Each passage that does it, and in its place one about something else, beside a further one."""
    for mark in found:
        unlike = _unlike(mark)
        for passage in mark.marked:
            for said, does in ((passage, True), (draw.choice(unlike), False)):
                beside = filled(draw.choice(unlike), draw)
                yield _row(mark, joined(mark, filled(said, draw), beside, draw), does, draw)


def _unlike(mark: Mark) -> list[str]:
    plain = [passage for other in marks() if not other.unseen and not other.must for passage in other.unmarked]
    return [passage for passage in plain if not may_do(passage, mark)]


def _row(mark: Mark, text: str, does: bool, draw: random.Random) -> dict[str, Any]:
    broken = int(does != mark.must)
    prompt = draw.choice(data("neutral")["prompts"])
    return {"text": prompt, "response": text, "label": broken, "labels": {mark.id: broken}}


if __name__ == "__main__":
    main()
