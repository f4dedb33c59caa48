"""When one critic's word is enough, and how the words of several become one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from critics.finding import Finding
from critics.manifesto.schema import DETERMINISTIC, Combine, Rule

COMBINATIONS: Mapping[Combine, Callable[[Sequence[float]], float]] = {
    "max": max,
    # Held to what they can come to at all, and to decimals: a hair below its threshold, a rule would pass.
    "mean": lambda given: min(max(given), max(min(given), round(math.fsum(given) / len(given), 12))),
    "noisy-or": lambda given: max(max(given), round(1 - math.prod(1 - p for p in given), 12)),
}
"""Each takes at least one probability, lies in [0, 1], and never falls when one of them rises."""


def settles(rule: Rule, finding: Finding) -> bool:
    """Whether no later critic of the rule need be asked. Without `open_between`, none settles anything.

    That a deterministic critic found nothing settles nothing: it was not looking for the rest. Nor does a low word that
    its own critic doubts.
    """
    p = finding.probability
    if rule.open_between is None or p is None:
        return False
    lower, upper = rule.open_between
    return p >= upper or (p < lower and finding.critic not in DETERMINISTIC and not finding.doubtful)
