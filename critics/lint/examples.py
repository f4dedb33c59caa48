"""Whether a rule's own examples are judged as they are labelled, by the critics that need no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from critics.calibration import calibrated
from critics.critic import Critic
from critics.errors import ExtraMissing, Fault
from critics.exchange import Exchange, Message
from critics.lint.placing import Complaint, placed
from critics.manifesto.load import TriedRule
from critics.manifesto.schema import DETERMINISTIC, Example, Rule


def example_faults(tried: TriedRule, critics: Mapping[str, Critic]) -> list[Fault]:
    """Every example that contradicts another, or that the rule's deterministic `critics` judge otherwise than its label
    says."""
    if not tried.whole:
        return []
    exact = set(tried.rule.critics) <= set(DETERMINISTIC)
    complaints = [*_contradictions(tried.rule), *(_misjudged(tried.rule, critics) if exact else ())]
    return [placed(tried.node, complaint) for complaint in complaints]


def _contradictions(rule: Rule) -> Iterator[Complaint]:
    """Every example that says the contrary of one before it."""
    labels: dict[tuple[str, str], tuple[int, bool]] = {}
    for number, example in enumerate(rule.examples):
        # To the letter: a rule may be about blanks and line breaks.
        first, breaks = labels.setdefault((example.text, example.prompt), (number, example.breaks))
        if breaks != example.breaks:
            yield ("examples", number), f"the same text is labelled otherwise in example {first + 1}: leave one out"


def _misjudged(rule: Rule, critics: Mapping[str, Critic]) -> Iterator[Complaint]:
    for number, example in enumerate(rule.examples):
        exchange = _exchange(rule, example)
        try:
            findings = [calibrated(rule, f) for name in rule.critics for f in critics[name](exchange, [rule])]
        except ExtraMissing as exc:
            yield ("critics",), str(exc)
            return
        broken = next((f for f in findings if f.outcome(rule.threshold) == "broken"), None)
        if bool(broken) != example.breaks:
            found = f"it is broken: {broken.critique}" if broken else "it is not"
            label = "break" if example.breaks else "keep"
            yield ("examples", number), f"this example is said to {label} `{rule.id}`, but by its critics {found}"


def _exchange(rule: Rule, example: Example) -> Exchange:
    if rule.applies_to == "input":
        return Exchange((Message("user", example.text),))
    return Exchange((Message("user", example.prompt),), example.text)
