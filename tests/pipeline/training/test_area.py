"""How sure an AUROC on held-out rows is."""

from __future__ import annotations

import math

import numpy as np

from pipeline.training.area import area


def test_replies_to_one_prompt_do_not_make_it_surer() -> None:
    """Four to each of thirty prompts tell hardly more than one."""
    rng = np.random.default_rng(0)
    broken = np.arange(30) < 15
    said = np.clip(0.4 + 0.2 * broken + rng.normal(0, 0.2, 30), 0, 1)
    prompts = [f"prompt {n}" for n in range(30)]
    one = area(said, broken, prompts)
    four = area(np.repeat(said, 4), np.repeat(broken, 4), np.repeat(prompts, 4).tolist())
    assert one.interval == four.interval
    assert one.interval is not None
    assert one.interval[0] < one.auroc < one.interval[1]


def test_of_few_rows_or_one_class_nothing_is_said() -> None:
    assert area([0.9] * 4 + [0.1] * 50, [True] * 4 + [False] * 50, [""] * 54).interval is None
    assert math.isnan(area([0.9, 0.1], [True, True], ["a", "b"]).auroc)
