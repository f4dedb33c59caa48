"""Mending a draft in place, by the critics that know what to put there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from critics import Finding, Rule, Span, ToolCall, Verdict
from pipeline.drafting import Finish


@dataclass(frozen=True)
class Draft:
    """A draft that waits for its verdict: as `written`, and the mended `text` that is judged.

    What is no prose, `calls` or JSON, is judged as what it says, which is `read`; with a `fault` it says nothing.
    """

    written: str
    text: str
    redactions: tuple[Finding, ...]
    finish: Finish | None
    standing: tuple[Finding, ...] = ()
    """Broken while it was written, and not judged again: whatever stopped a draft keeps it from being released."""
    verdict: Verdict | None = None
    """The last word on a part that did not pass, where nothing more was written."""
    calls: tuple[ToolCall, ...] = ()
    read: str | None = None
    fault: str = ""

    @property
    def judged(self) -> str:
        """What critics are given."""
        return self.text if self.read is None else self.read


def asked_for(findings: Sequence[Finding], rules: Sequence[Rule], begin: int = 0) -> tuple[Finding, ...]:
    """The broken rules' findings that can be mended, with their places from `begin` on: what lies before is fixed.

    A finding without replacements is left for the verdict.
    """
    thresholds = {rule.id: rule.threshold for rule in rules}
    broken = [f for f in findings if f.mend and f.outcome(thresholds.get(f.rule, 1.0)) == "broken"]
    return _limited(broken, lambda span: span.start >= begin)


def redacted(text: str, asked: Sequence[Finding], end: int | None = None) -> tuple[str, tuple[Finding, ...]] | None:
    """The text up to `end` with every place replaced that is asked for, and the findings that asked for it.

    `None` where one of the places goes on behind the end. The mended text must be judged again: mending one rule's
    breach can break another.
    """
    end = len(text) if end is None else end
    if any(start < end < stop for finding in asked for start, stop in finding.spans):
        return None
    done = _limited(asked, lambda span: span.end <= end)
    edits = sorted((span, mend) for f in done for span, mend in zip(f.spans, f.mend, strict=False))
    return (_applied(text[:end], edits) if edits else text[:end]), done


def _limited(findings: Sequence[Finding], fits: Callable[[Span], bool]) -> tuple[Finding, ...]:
    limited = []
    for finding in findings:
        kept = [(span, mend) for span, mend in zip(finding.spans, finding.mend, strict=False) if fits(span)]
        if kept:
            spans, mends = zip(*kept, strict=True)
            limited.append(replace(finding, spans=spans, mend=mends))
    return tuple(limited)


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
