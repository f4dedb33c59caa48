"""The loop: draft, judge, send back with the critique, until a draft passes or the budget is spent.

Written once, synchronously, with no I/O of its own. What it promises is in docs/loop.md, a test a promise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from critics import (
    Critic,
    Exchange,
    Finding,
    Manifesto,
    Rule,
    Usage,
    Verdict,
    undecided,
    visible,
    weigh,
    within,
)
from pipeline.emptiness import EMPTY, verdict_on_empty
from pipeline.errors import BadInput, ContextOverflow, ModelFault
from pipeline.generator import DraftRequest, Finish, Generator
from pipeline.ledger import Clock, Ledger
from pipeline.outcome import Attempt, Outcome, Status, StopReason
from pipeline.redaction import redacted
from pipeline.revision import KEPT_DRAFTS, converse, first_request, rewind

Observer = Callable[[Attempt], None]
"""Called after every attempt with what came of it."""

JUDGE_AGAIN = 1
"""How often `on_undecided: retry` asks again before the rule counts as undecided."""


@dataclass(frozen=True)
class Loop:
    """One manifesto's loop over one generator and one critic. Holds no state: a call's counters live in the call."""

    generator: Generator
    critic: Critic
    manifesto: Manifesto
    clock: Clock = time.monotonic

    def __call__(self, exchange: Exchange, *, seed: int = 0, observe: Observer | None = None) -> Outcome:
        """Answer the conversation. Never raises for what a model or a critic does: that is in the outcome.

        Raises `BadInput` for a conversation that has no last turn by the user.
        """
        if not exchange.conversation or exchange.conversation[-1].role != "user":
            raise BadInput("a conversation must end with the user's turn")
        return _Run(self, replace(exchange, draft=None), seed, observe or (lambda _: None)).outcome()


class _Run:
    """One call of the loop."""

    def __init__(self, loop: Loop, exchange: Exchange, seed: int, observe: Observer) -> None:
        self._generator = loop.generator
        self._critic = loop.critic
        self._manifesto = loop.manifesto
        self._clock = loop.clock
        self._exchange = exchange
        self._seed = seed
        self._observe = observe
        self._ledger = Ledger(loop.manifesto.budget, clock=loop.clock)
        self._first = first_request(exchange.conversation, exchange.sources, seed)
        self._attempts: list[Attempt] = []
        self._input: Verdict | None = None

    def outcome(self) -> Outcome:
        self._input = self._judge_input()
        if self._input and self._input.outcome != "pass":
            return self._end("withheld", "undecided" if self._input.outcome == "undecided" else "input")
        while True:
            if stop := self._ledger.spent() or self._standstill():
                return self._exhausted(stop)
            try:
                attempt = self._attempt()
            except ModelFault as exc:
                return self._end("faulted", "fault", fault=exc)
            if attempt is None:
                return self._exhausted(self._ledger.cut() or "tokens")
            self._attempts.append(attempt)
            self._observe(attempt)
            if attempt.verdict.outcome == "pass":
                return self._end("released", "passed", attempt.text)
            if attempt.verdict.outcome == "undecided":
                late = self._ledger.cut() == "seconds"
                return self._exhausted("seconds") if late else self._end("withheld", "undecided")

    def _judge_input(self) -> Verdict | None:
        rules = self._manifesto.rules_for("input")
        return self._judge(self._exchange, rules) if rules else None

    def _attempt(self) -> Attempt | None:
        """Draft, mend and judge; `None` where tokens or time ran out in the middle of a draft."""
        began, before = self._clock(), self._ledger.generator
        request = self._request()
        written, request = self._draft(request)
        if written is None:
            return None
        draft, finish = request.continues + written[0], written[1]
        text = visible(draft)
        redactions: tuple[Finding, ...] = ()
        if rules := [rule for rule in self._manifesto.rules_for("output") if rule.action == "redact"]:
            findings = self._findings(replace(self._exchange, draft=text), rules)
            text, redactions = redacted(text, findings, rules)
        verdict = self._verdict(text)
        self._ledger.attempts += 1
        spent = self._ledger.generator
        usage = Usage(spent.prompt_tokens - before.prompt_tokens, spent.completion_tokens - before.completion_tokens)
        return Attempt(
            number=self._ledger.attempts,
            seed=request.seed,
            draft=draft,
            text=text,
            verdict=verdict,
            usage=usage,
            seconds=self._clock() - began,
            finish=finish,
            continued_from=len(request.continues),
            redactions=redactions,
        )

    def _request(self, kept: int = KEPT_DRAFTS) -> DraftRequest:
        seed = self._seed + len(self._attempts)
        if not self._attempts:
            return self._first
        if self._manifesto.revision == "rewind" and self._generator.can_continue and kept:
            request = rewind(self._first, self._attempts[-1], seed)
            if request is not None:
                return request
        return converse(self._first, self._attempts, seed, kept=kept)

    def _draft(self, request: DraftRequest) -> tuple[tuple[str, Finish | None] | None, DraftRequest]:
        """What was written for the request, or for a shorter one where it did not fit the context."""
        for kept in range(KEPT_DRAFTS - 1, -1, -1):
            try:
                return self._written(request), request
            except ContextOverflow:
                if not self._attempts:
                    raise
                request = self._request(kept)
        return self._written(request), request

    def _written(self, request: DraftRequest) -> tuple[str, Finish | None] | None:
        request = replace(request, max_tokens=self._ledger.tokens_left)
        text, finish = [], None
        with closing(self._generator(request)) as pieces:
            for piece in pieces:
                self._ledger.generator += piece.usage
                text.append(piece.text)
                finish = piece.finish or finish
                if self._ledger.cut():
                    return None
        return "".join(text), finish

    def _verdict(self, text: str) -> Verdict:
        return verdict_on_empty(self._manifesto, text) or self._judge(
            replace(self._exchange, draft=text), self._manifesto.rules_for("output")
        )

    def _judge(self, exchange: Exchange, rules: Sequence[Rule]) -> Verdict:
        findings = self._findings(exchange, rules)
        for _ in range(0 if self._ledger.cut() else JUDGE_AGAIN):
            verdict = weigh(self._manifesto, rules, findings)
            again = [j.rule for j in verdict.of("undecided") if self._manifesto.undecided_policy(j.rule) == "retry"]
            if not again:
                break
            fresh = self._findings(exchange, again)
            names = {rule.id for rule in again}
            findings = [f for f in findings if f.rule not in names] + fresh
        return weigh(self._manifesto, rules, findings)

    def _findings(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        """What the critic says before the budget's time is up; after that, nothing is decided."""
        try:
            findings = within(self._ledger.seconds_left, self._critic, exchange, rules)
            self._ledger.critic += sum((finding.usage for finding in findings), Usage())
        except Exception as exc:  # noqa: BLE001  # whatever a critic does, the outcome says so and the loop stands
            return [undecided(rule, "loop", f"{type(exc).__name__}: {exc}") for rule in rules]
        return findings

    def _standstill(self) -> StopReason | None:
        """A draft that was there before, or a critique that did not change: more of the same would not help."""
        if len(self._attempts) < 2:
            return None
        *earlier, last = self._attempts
        if any(attempt.text.strip() == last.text.strip() for attempt in earlier):
            return "repeated"
        if _complaints(earlier[-1]) == _complaints(last) != ():
            return "stalled"
        return None

    def _exhausted(self, stop: StopReason) -> Outcome:
        best = self._best() if self._manifesto.on_exhausted == "best" else None
        return self._end("released", stop, best.text) if best else self._end("withheld", stop)

    def _best(self) -> Attempt | None:
        """The attempt with the highest score among those that may be released: the later one where two are equal."""
        fit = [attempt for attempt in self._attempts if _may_be_best(attempt, self._manifesto)]
        return max(fit, key=lambda attempt: (attempt.verdict.score or 0.0, attempt.number), default=None)

    def _end(
        self, status: Status, stop: StopReason, answer: str | None = None, *, fault: ModelFault | None = None
    ) -> Outcome:
        if status == "withheld" and self._manifesto.on_exhausted != "error":
            answer = self._manifesto.refusal
        return Outcome(
            status=status,
            stop_reason=stop,
            answer=answer,
            manifesto=self._manifesto,
            attempts=tuple(self._attempts),
            cost=self._ledger.cost(),
            generator=self._generator.name,
            seed=self._seed,
            input_verdict=self._input,
            fault=str(fault or ""),
            retryable=fault is not None and fault.retryable,
        )


def _complaints(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return tuple((j.rule.id, j.critique) for j in attempt.verdict.broken)


def _may_be_best(attempt: Attempt, manifesto: Manifesto) -> bool:
    """No veto, nothing unmended, nothing undecided, nothing empty: what is left broke rules that only ask to revise."""
    verdict = attempt.verdict
    unknown = [j.rule for j in verdict.of("undecided") if j.rule.action != "flag"]
    return (
        verdict.outcome == "revise"
        and all(j.rule.action == "revise" and j.rule != EMPTY for j in verdict.broken)
        and all(manifesto.undecided_policy(rule) == "release" for rule in unknown)
    )
