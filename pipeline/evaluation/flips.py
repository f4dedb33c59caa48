"""Whether one run is better than another by more than chance, where rows answer the same prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def sign_flips(differences: Sequence[int]) -> float:
    """The two-sided exact probability of so large a sum, or a larger one, were each difference as likely the other way.

    Fisher's randomisation test for pairs (The Design of Experiments, 1935, section 21), over all ways to flip signs.
    With differences of 1 it is McNemar's. A prompt's is that between how many replies each run gets right: flipped as
    one, for its replies are right or wrong together.
    """
    sizes = [abs(d) for d in differences if d]
    seen, most = abs(sum(differences)), sum(sizes)
    chances = np.zeros(2 * most + 1)  # of each sum, from -most to most
    chances[most] = 1
    for size in sizes:
        up, down = np.zeros_like(chances), np.zeros_like(chances)
        up[size:], down[:-size] = chances[:-size], chances[size:]
        chances = (up + down) / 2
    sums = np.abs(np.arange(-most, most + 1))
    return min(1.0, float(chances[sums >= seen].sum()))
