"""What each row must show, and its goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.timing import Spread


@dataclass(frozen=True)
class Target:
    """A median is held against `must` and `goal`: at most, or at least."""

    what: str
    side: Literal["≤", "≥"]
    must: float
    goal: float

    def met(self, median: float) -> str:
        if self._holds(median, self.goal):
            return "goal"
        return "must" if self._holds(median, self.must) else "no"

    def _holds(self, median: float, bound: float) -> bool:
        return median <= bound if self.side == "≤" else median >= bound


TARGETS = {
    "overhead_8_rules": Target("200 tokens, judged by 8 rules in a cascade, over unmoderated", "≤", 1.15, 1.05),
    "separate_overhead_8_rules": Target("the same by the judge each time, in a conversation apart", "≤", 1.35, 1.20),
    "rules_1_to_16": Target("16 rules over 1 rule, by the judge each time", "≤", 1.25, 1.12),
    "two_model_ratio": Target("a second model that writes its verdict, over ours", "≥", 1.5, 1.8),
    "prompt_per_rule_ratio": Target("a judge prompt a rule, same weights, over ours", "≥", 3, 3.5),
    "prompt_per_rule_as_written_ratio": Target("the same as written today, over ours as it comes", "≥", 8, 12),
    "preamble_reread_tokens": Target("tokens of the preamble read again after the first draft", "≤", 0, 0),
    "callers_16_to_1": Target("prompts a minute, 16 callers over 1", "≥", 1.7, 2.2),
    "constitutional_chain_ratio": Target("prompts a minute, ours over the ConstitutionalChain", "≥", 10, 30),
    "memory_ratio": Target("peak memory of drafting and judging over drafting", "≤", 1.25, 1.1),
    "optimised_read_ratio": Target("reading speed of the optimised weights over the shipped", "≥", 1.5, 3),
    "soak_memory_ratio": Target("resident memory after 3,000 requests over after 300", "≤", 1.03, 1.01),
}


def table(rows: Mapping[str, Spread]) -> str:
    """In Markdown, as it stands in docs/performance.md."""
    lines = ["| what | median (min to max) | must | goal | met |", "|---|---|---|---|---|"]
    for name, target in TARGETS.items():
        spread = rows[name]
        found = f"{spread.median:.2f} ({spread.min:.2f} to {spread.max:.2f})"
        bounds = f"{target.side} {target.must:g} | {target.side} {target.goal:g}"
        lines.append(f"| {target.what} | {found} | {bounds} | {target.met(spread.median)} |")
    return "\n".join(lines)
