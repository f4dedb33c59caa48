"""The manifesto as a system message: what a generator is told when it is told beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from critics import Manifesto, Message

# As small models were trained: without it, some write numbers and little else.
_OPENING = "You are a helpful assistant."
_BELIEFS = "What you stand for:\n{}"
_PROVENANCE = "How to weigh sources:\n{}"
_RULES = "Rules for your answers:\n{}"


def preprompt(manifesto: Manifesto, *, also: Sequence[str] = ()) -> Message:
    """Beliefs, provenance and rules for answers, in this order, and what is to be heeded `also`.

    Weights, thresholds, scores and actions stay out: a generator that sees the rubric learns to game it. So do the
    rules for what users say, which are not the generator's to keep.
    """
    rules = dict.fromkeys(_rule(rule.statement, rule.advice) for rule in manifesto.rules_for("output"))
    parts = [_OPENING]
    if beliefs := manifesto.beliefs.strip():
        parts.append(_BELIEFS.format(beliefs))
    if provenance := manifesto.provenance.strip():
        parts.append(_PROVENANCE.format(provenance))
    if told := [*rules, *(f"- {' '.join(line.split())}" for line in also)]:
        parts.append(_RULES.format("\n".join(told)))
    return Message("system", "\n\n".join(parts))


def _rule(statement: str, advice: str) -> str:
    return f"- {' '.join(statement.split())} {' '.join(advice.split())}".rstrip()
