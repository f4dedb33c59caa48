"""Mending a draft in place, by the critics that know what to put there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critics import Finding, Rule, Span
from pipeline.generator import Finish


@dataclass(frozen=True)
class Draft:
    """A draft that waits for its verdict: as `written`, and the mended `text` that is judged."""

    written: str
    text: str
    redactions: tuple[Finding, ...]
    finish: Finish | None
    standing: tuple[Finding, ...] = ()
    """Broken while it was written, and not judged again: whatever stopped a draft keeps it from being released."""


def redacted(text: str, findings: Sequence[Finding], rules: Sequence[Rule]) -> tuple[str, tuple[Finding, ...]]:
    """The text with every broken rule's spans replaced, and the findings that asked for it.

    A finding without replacements is left for the verdict. The mended text must be judged again: mending one rule's
    breach can break another.
    """
    thresholds = {rule.id: rule.threshold for rule in rules}
    asked = tuple(
        finding
        for finding in findings
        if finding.mend and finding.outcome(thresholds.get(finding.rule, 1.0)) == "broken"
    )
    if not asked:
        return text, ()
    edits = sorted((span, mend) for f in asked for span, mend in zip(f.spans, f.mend, strict=False))
    return _applied(text, edits), asked


def _applied(text: str, edits: Sequence[tuple[Span, str]]) -> str:
    done, position = [], 0
    for (start, end), mend in edits:
        if end <= position:
            continue
        # Where two edits overlap, the first one's words stand for the overlap.
        if start >= position:
            done += [text[position:start], mend]
        position = end
    return "".join([*done, text[position:]]).rstrip()
