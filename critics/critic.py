"""The seam of this room: a critic is one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Rule


class Critic(Protocol):
    """Judge an exchange by several rules at once.

    One finding a rule. A rule without a finding, a finding for a rule that was not asked about, and an
    exception all count as *undecided*, so an implementation need not guard itself.
    """

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]: ...
