"""What the critics say in one call of the loop, as long as there is time to hear them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from critics import (
    DETERMINISTIC,
    Critic,
    Exchange,
    Finding,
    Follow,
    Manifesto,
    Rule,
    Span,
    Usage,
    Verdict,
    following,
    undecided,
    weigh,
    within,
)
from pipeline.loop.emptiness import verdict_on_empty
from pipeline.loop.ledger import Ledger
from pipeline.loop.redaction import Draft, asked_for
from pipeline.structured import heard, verdict_on_form

JUDGE_AGAIN = 1
"""How often `on_undecided: retry` asks again before the rule counts as undecided."""

Ask = Callable[[Sequence[Rule]], Sequence[Finding]]


def decided(
    manifesto: Manifesto,
    ask: Ask,
    rules: Sequence[Rule],
    standing: Sequence[Finding] = (),
    *,
    late: Callable[[], bool] = lambda: False,
) -> Verdict:
    """The verdict by `rules`, of which those in `standing` are not asked about. Rules that are undecided and want it
    so are asked about once more, unless it is too late for that."""
    settled = {finding.rule for finding in standing}
    findings = [*standing, *ask([rule for rule in rules if rule.id not in settled])]
    for _ in range(0 if late() else JUDGE_AGAIN):
        verdict = weigh(manifesto, rules, findings)
        again = [j.rule for j in verdict.of("undecided") if manifesto.undecided_policy(j.rule) == "retry"]
        if not again:
            break
        names = {rule.id for rule in again}
        before = [finding for finding in findings if finding.rule in names]
        findings = [*(f for f in findings if f.rule not in names), *_charged(ask(again), before)]
    return weigh(manifesto, rules, findings)


class Judging:
    """Holds the drafts of one exchange against a manifesto. Never raises for what a critic does."""

    def __init__(self, critic: Critic, manifesto: Manifesto, exchange: Exchange, ledger: Ledger) -> None:
        self._critic = critic
        self._manifesto = manifesto
        self._exchange = heard(exchange)
        self._ledger = ledger
        self._output = manifesto.rules_for("output")

    def of_input(self, asked: Exchange) -> Verdict:
        """The verdict on what is asked, by the rules for that."""
        rules = self._manifesto.rules_for("input")
        return self._judged(lambda wanted: self._findings(asked, wanted), rules)

    def of_draft(self, draft: Draft) -> Verdict:
        """The verdict on a draft, by all rules but those that stand as broken already."""
        plain = verdict_on_empty(self._manifesto, draft.judged) or verdict_on_form(self._manifesto, draft.fault)
        if plain and not draft.standing:
            return plain
        return self._judged(lambda asked: self._of_text(draft.judged, asked), self._output, draft.standing)

    def following(self) -> AbstractContextManager[Follow | None]:
        """Let the critic read along while a draft is written."""
        return following(self._critic, self._exchange, self._output)

    def of_part(self, text: str, rules: Sequence[Rule], begin: int = 0) -> Verdict:
        """The verdict on the beginning of a draft. From `begin` on lies the window that costly critics are shown."""

        def ask(asked: Sequence[Rule]) -> list[Finding]:
            near = [rule for rule in asked if begin and not set(rule.critics) & set(DETERMINISTIC)]
            far = [rule for rule in asked if rule not in near]
            return [*self._of_text(text, far), *_moved(self._of_text(text[begin:], near), begin)]

        return self._judged(ask, rules)

    def breaches(self, text: str, rules: Sequence[Rule]) -> tuple[Finding, ...]:
        """What is found on those of the rules that a part of a draft breaks."""
        findings = self._of_text(text, rules)
        broken = {judgement.rule.id for judgement in weigh(self._manifesto, rules, findings).broken}
        return tuple(finding for finding in findings if finding.rule in broken)

    def mends(self, text: str, begin: int = 0) -> tuple[Finding, ...]:
        """What is to be mended in a text from `begin` on."""
        rules = [rule for rule in self._output if rule.action == "redact"]
        return asked_for(self._of_text(text, rules), rules, begin)

    def _judged(self, ask: Ask, rules: Sequence[Rule], standing: Sequence[Finding] = ()) -> Verdict:
        return decided(self._manifesto, ask, rules, standing, late=lambda: self._ledger.cut() is not None)

    def _of_text(self, text: str, rules: Sequence[Rule]) -> list[Finding]:
        return self._findings(replace(self._exchange, draft=text), rules)

    def _findings(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        """What the critic says before the budget's time is up; after that, nothing is decided."""
        if not rules:
            return []
        if self._ledger.stop.is_set():
            return [undecided(rule, "loop", "nobody waits for it any more") for rule in rules]
        try:
            findings = within(self._ledger.seconds_left, self._critic, exchange, rules, stop=self._ledger.stop)
            self._ledger.critic += sum((finding.usage for finding in findings), Usage())
        except Exception as exc:  # noqa: BLE001  # whatever a critic does, the outcome says so and the loop stands
            return [undecided(rule, "loop", f"{type(exc).__name__}: {exc}") for rule in rules]
        return findings


def _charged(fresh: Sequence[Finding], before: Sequence[Finding]) -> list[Finding]:
    """The fresh findings, of which the first bears what those cost that it takes the place of."""
    spent = sum((finding.usage for finding in before), Usage())
    return [replace(f, usage=f.usage + spent) if first == 0 else f for first, f in enumerate(fresh)]


def _moved(findings: Sequence[Finding], by: int) -> list[Finding]:
    """Findings on a window, with their places in the text."""
    return [replace(f, spans=tuple(Span(span.start + by, span.end + by) for span in f.spans)) for f in findings]
