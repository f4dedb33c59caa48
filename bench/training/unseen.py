"""Rules that no shipped critic was trained on, labelled by construction: a manifesto and rows for `superego eval`.

    python -m bench.training.unseen FOLDER [--seed 0]

Writes FOLDER/unseen.yaml and FOLDER/unseen.jsonl.
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
    rows = list(_rows(found, draw))
    draw.shuffle(rows)
    with (given.folder / "unseen.jsonl").open("w", encoding="utf-8") as file:
        for number, row in enumerate(rows):
            print(json.dumps({"id": f"unseen/{number}", **row}, ensure_ascii=False), file=file)
    print(f"{len(found)} rules, {len(rows)} rows in {given.folder}")


def _rows(found: Sequence[Mark], draw: random.Random) -> Iterator[dict[str, Any]]:
    prompts = data("neutral")["prompts"]
    plain = [passage for mark in marks() if not mark.unseen and not mark.must for passage in mark.unmarked]
    for mark in found:
        unlike = [passage for passage in plain if not may_do(passage, mark)]
        for passages, does in ((mark.marked, True), (mark.unmarked, False)):
            broken = int(does != mark.must)
            for passage in passages:
                said = filled(passage, draw)
                for text in (said, joined(mark, said, filled(draw.choice(unlike), draw), draw)):
                    yield {"text": draw.choice(prompts), "response": text, "label": broken, "labels": {mark.id: broken}}


if __name__ == "__main__":
    main()
