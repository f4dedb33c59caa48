"""How many rows it takes to calibrate a rule, of each kind, and of how many prompts."""

from __future__ import annotations

import numpy as np

from pipeline.evaluation.cases import Flags
from pipeline.evaluation.prompts import Groups, together

FOLDS = 5
"""Of rows, each judged by what was fitted to the others."""
EACH = 10
"""Rows of each kind, broken and kept, that a critic must have decided."""
PROMPTS = FOLDS
"""What those must answer at least, where several answer one: as many as there are folds, which share none."""


def refused_by_rows(broken: int, kept: int, who: str) -> str:
    """Why so few rows do not do; empty where they do."""
    if min(broken, kept) >= EACH:
        return ""
    return f"{who} {broken} rows that break it and {kept} that keep it; {EACH} of each are needed"


def refused_by_prompts(groups: Groups | None, broken: Flags, kept: Flags, rows: str) -> str:
    """Why the prompts of these `rows`, as they are named, are too few; empty where they are not."""
    if groups is None or not together(groups):
        return ""
    prompts = [prompts_of(groups, chosen) for chosen in (broken, kept)]
    if min(prompts) >= PROMPTS:
        return ""
    return (
        f"{rows} answer {prompts[0]} prompts where they break it and {prompts[1]} where they "
        f"keep it; {PROMPTS} of each are needed, for replies to one prompt tell little of another: add rows with other "
        "prompts"
    )


def prompts_of(groups: Groups | None, chosen: Flags) -> int:
    """How many the chosen rows answer."""
    return int(chosen.sum()) if groups is None else len(np.unique(groups[chosen]))
