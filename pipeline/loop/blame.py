"""What a verdict held against a text, in a few words: rules by their ids, and what kept one from being judged.

Critiques are left out: they quote a draft that nobody is to see.
"""

from __future__ import annotations

from critics import Manifesto, Verdict
from pipeline.rounding import against


def blamed(verdict: Verdict, manifesto: Manifesto, text: str) -> str:
    """Why the text, which is called that, did not pass; empty for one that did."""
    if verdict.outcome == "pass":
        return ""
    if verdict.broken:
        return f"{text} broke {', '.join(judgement.rule.id for judgement in verdict.broken)}"
    if verdict.outcome == "undecided":
        bars = [j for j in verdict.of("undecided") if j.rule.action != "flag"]
        open_ = [j for j in bars if manifesto.undecided_policy(j.rule) != "release"]
        told = [f"{j.rule.id} ({j.critique})" if j.critique else j.rule.id for j in open_]
        return f"of {text} nobody could judge {', '.join(told)}"
    least = manifesto.release
    return f"{text} has a score of {against(verdict.score or 0.0, least)}, and is released from {against(least, least)}"
