"""The rows for the shipped probe: those for the judge, with labels by the default manifesto's rules alone.

    python -m bench.training.by_rule ROWS OUT

ROWS is what `python -m bench.training` wrote. A probe does not read the statement, so that all wordings of what a rule
means count as the rule.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.training.asked import SHIPPED
from bench.training.material import data
from critics import load
from manifestos import DEFAULT, names

RULES = ("harmless", "respectful", "rude_request", "toxic_request")
"""Lists of statements in harm.yaml that mean a rule of the default manifesto."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most", type=int, help="rows, the first ones: they are in no order")
    given = parser.parse_args()
    meant = dict(_meant())
    count = 0
    with given.rows.open(encoding="utf-8") as lines, given.out.open("w", encoding="utf-8") as file:
        for line in lines:
            if count == given.most:
                break
            row = json.loads(line)
            if labels := by_rule(row, meant):
                count += 1
                print(json.dumps({**row, "labels": labels}, ensure_ascii=False), file=file)
    print(f"{count} rows in {given.out}")


def _meant() -> Iterator[tuple[str, str]]:
    """Statements, those of shipped manifestos too, and the default's rule that they mean."""
    default = {rule.id for rule in load(DEFAULT).rules}
    stated = {rule.id: rule.statement for name in names() for rule in load(name).rules}
    for key in RULES:
        rule = next(id for id in SHIPPED[key] if id in default)
        for statement in (*data("harm")[key], *(stated[id] for id in SHIPPED[key] if id in stated)):
            yield statement, rule


def by_rule(row: Mapping[str, Any], meant: Mapping[str, str]) -> dict[str, int]:
    """The labels of the rules that the row's statements mean."""
    return {meant[statement]: label for statement, label in row["labels"].items() if statement in meant}


if __name__ == "__main__":
    main()
