"""The other rule that every manifesto has without saying so: what is no prose can be read."""

from __future__ import annotations

from critics import Finding, Manifesto, Rule, Verdict, weigh

WELL_FORMED = Rule(
    id="well-formed",
    statement="An answer in JSON is whole and of the shape asked for, and calls are of tools that are offered, with "
    "arguments in JSON.",
    advice="Write it again, whole.",
)


def verdict_on_form(manifesto: Manifesto, fault: str) -> Verdict | None:
    """The verdict on a draft with this fault, or `None` where there is none."""
    if not fault:
        return None
    return weigh(manifesto, [WELL_FORMED], [Finding(WELL_FORMED.id, "loop", 1.0, fault)])
