"""The rows for the shipped probe: those for the judge, with labels by the default manifesto's rules alone.

    python -m bench.training.by_rule ROWS OUT

ROWS is what `python -m bench.training` wrote. A probe does not read the statement, so that all wordings of what a rule
means count as the rule.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.training.material import data

RULES = {
    "harmless": "harmless",
    "respectful": "respectful",
    "request": "request-for-harm",
    "rude_request": "respectful-request",
    "toxic_request": "acceptable-request",
}
"""The rule that a list of statements in harm.yaml means."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    meant = {statement: rule for key, rule in RULES.items() for statement in data("harm")[key]}
    count = 0
    with given.rows.open(encoding="utf-8") as lines, given.out.open("w", encoding="utf-8") as file:
        for line in lines:
            row = json.loads(line)
            if labels := by_rule(row, meant):
                count += 1
                print(json.dumps({**row, "labels": labels}, ensure_ascii=False), file=file)
    print(f"{count} rows in {given.out}")


def by_rule(row: Mapping[str, Any], meant: Mapping[str, str]) -> dict[str, int]:
    """The labels of the rules that the row's statements mean."""
    return {meant[statement]: label for statement, label in row["labels"].items() if statement in meant}


if __name__ == "__main__":
    main()
