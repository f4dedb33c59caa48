"""The loop: draft, judge, send back with the critique, until a draft passes or the budget is spent.

Written once, synchronously, with no I/O of its own. What it promises is in docs/loop.md, a test a promise.
"""

from __future__ import annotations

import threading
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
from pipeline.answer import Answer, Parts
from pipeline.emptiness import verdict_on_empty
from pipeline.errors import BadInput, ContextOverflow, ModelFault
from pipeline.generator import DraftOptions, DraftRequest, Finish, Generator
from pipeline.ledger import Clock, Ledger
from pipeline.outcome import Attempt, Outcome, Status, StopReason, best, standstill
from pipeline.redaction import Draft, redacted
from pipeline.revision import KEPT_DRAFTS, converse, first_request, rewind
from pipeline.watch import Watch, watched

Observer = Callable[[Attempt], None]
"""Called after every attempt with what came of it."""

JUDGE_AGAIN = 1
"""How often `on_undecided: retry` asks again before the rule counts as undecided."""


@dataclass(frozen=True)
class Loop:
    """One manifesto's loop over one generator and one critic. Holds no state: a call's counters live in the call.

    `watch_model` lets the model critic judge a draft while it is being written.
    """

    generator: Generator
    critic: Critic
    manifesto: Manifesto
    clock: Clock = time.monotonic
    watch_model: bool = False

    def __call__(
        self,
        exchange: Exchange,
        *,
        seed: int = 0,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> Outcome:
        """Answer the conversation. Never raises for what a model or a critic does: that is in the outcome.

        Raises `BadInput` for a conversation that has no last turn by the user.
        """
        return self.stream(exchange, seed=seed, observe=observe, options=options).ended()

    def stream(
        self,
        exchange: Exchange,
        *,
        seed: int = 0,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> Answer:
        """As a call, with the answer in parts as soon as they may be shown. Nothing is done before it is iterated."""
        if not exchange.conversation or exchange.conversation[-1].role != "user":
            raise BadInput("a conversation must end with the user's turn")
        stop = threading.Event()
        first = first_request(exchange.conversation, exchange.sources, seed, options)
        run = _Run(self, replace(exchange, draft=None), first, observe or (lambda _: None), stop)
        return Answer(run.parts(), stop)


class _Run:
    """One call of the loop."""

    def __init__(
        self, loop: Loop, exchange: Exchange, first: DraftRequest, observe: Observer, stop: threading.Event
    ) -> None:
        self._generator = loop.generator
        self._critic = loop.critic
        self._manifesto = loop.manifesto
        self._watched = watched(loop.manifesto, model=loop.watch_model)
        self._clock = loop.clock
        self._exchange = exchange
        self._first = first
        self._observe = observe
        self._ledger = Ledger(loop.manifesto.budget, clock=loop.clock, stop=stop)
        self._attempts: list[Attempt] = []
        self._input: Verdict | None = None

    def parts(self) -> Parts:
        """Draft and judge to the end, giving what may be shown."""
        self._input = self._judge_input()
        if self._input and self._input.outcome != "pass" and not self._ledger.stop.is_set():
            return self._end("withheld", "undecided" if self._input.outcome == "undecided" else "input")
        while True:
            if stop := self._ledger.spent() or standstill(self._attempts):
                return (yield from self._exhausted(stop))
            try:
                attempt = self._attempt()
            except ModelFault as exc:
                return self._end("faulted", "fault", fault=exc)
            if attempt is None:
                return (yield from self._exhausted(self._ledger.cut() or "tokens"))
            self._attempts.append(attempt)
            self._observe(attempt)
            if attempt.verdict.outcome == "pass":
                return (yield from self._release("passed", attempt.text))
            if attempt.verdict.outcome == "undecided":
                late = self._ledger.cut() in ("seconds", "cancelled")
                return (yield from self._exhausted("seconds")) if late else self._end("withheld", "undecided")

    def _judge_input(self) -> Verdict | None:
        rules = self._manifesto.rules_for("input")
        return self._judge(self._exchange, rules) if rules else None

    def _attempt(self) -> Attempt | None:
        """Draft, mend and judge; `None` where tokens or time ran out in the middle of a draft."""
        began, before = self._clock(), self._ledger.generator
        request = self._request()
        draft, request = self._draft(request)
        if draft is None:
            return None
        verdict = self._verdict(draft)
        self._ledger.attempts += 1
        spent = self._ledger.generator
        usage = Usage(spent.prompt_tokens - before.prompt_tokens, spent.completion_tokens - before.completion_tokens)
        return Attempt(
            number=self._ledger.attempts,
            seed=request.seed,
            draft=draft.written,
            text=draft.text,
            verdict=verdict,
            usage=usage,
            seconds=self._clock() - began,
            finish=draft.finish,
            continued_from=len(request.continues),
            redactions=draft.redactions,
        )

    def _request(self, kept: int = KEPT_DRAFTS) -> DraftRequest:
        seed = self._first.seed + len(self._attempts)
        if not self._attempts:
            return self._first
        if self._manifesto.revision == "rewind" and self._generator.can_continue and kept:
            request = rewind(self._first, self._attempts[-1], seed)
            if request is not None:
                return request
        return converse(self._first, self._attempts, seed, kept=kept)

    def _draft(self, request: DraftRequest) -> tuple[Draft | None, DraftRequest]:
        """What was written for the request, or for a shorter one where it did not fit the context."""
        for kept in range(KEPT_DRAFTS - 1, -1, -1):
            try:
                return self._written(request), request
            except ContextOverflow:
                if not self._attempts:
                    raise
                request = self._request(kept)
        return self._written(request), request

    def _written(self, request: DraftRequest) -> Draft | None:
        request = replace(request, max_tokens=self._ledger.tokens_left)
        written, finish = request.continues, None
        watch = Watch(len(written))
        with closing(self._generator(request)) as pieces:
            for piece in pieces:
                self._ledger.generator += piece.usage
                written += piece.text
                finish = piece.finish or finish
                if self._ledger.cut():
                    return None
                part = watch.finished(written, piece.text) if self._watched and not finish else None
                if part is not None and (draft := self._vetoed(part)):
                    return draft
        return self._mended(written, finish)

    def _vetoed(self, part: str) -> Draft | None:
        """The part of a draft that was written so far, where it breaks a watched rule."""
        draft = self._mended(part, "vetoed")
        findings = self._findings(replace(self._exchange, draft=draft.text), self._watched)
        broken = {judgement.rule.id for judgement in weigh(self._manifesto, self._watched, findings).broken}
        return replace(draft, standing=tuple(f for f in findings if f.rule in broken)) if broken else None

    def _mended(self, written: str, finish: Finish | None) -> Draft:
        text = visible(written)
        redactions: tuple[Finding, ...] = ()
        if rules := [rule for rule in self._manifesto.rules_for("output") if rule.action == "redact"]:
            findings = self._findings(replace(self._exchange, draft=text), rules)
            text, redactions = redacted(text, findings, rules)
        return Draft(written, text, redactions, finish)

    def _verdict(self, draft: Draft) -> Verdict:
        if not draft.standing and (empty := verdict_on_empty(self._manifesto, draft.text)):
            return empty
        exchange = replace(self._exchange, draft=draft.text)
        return self._judge(exchange, self._manifesto.rules_for("output"), draft.standing)

    def _judge(self, exchange: Exchange, rules: Sequence[Rule], standing: Sequence[Finding] = ()) -> Verdict:
        settled = {finding.rule for finding in standing}
        findings = [*standing, *self._findings(exchange, [rule for rule in rules if rule.id not in settled])]
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
        if not rules:
            return []
        try:
            findings = within(self._ledger.seconds_left, self._critic, exchange, rules, stop=self._ledger.stop)
            self._ledger.critic += sum((finding.usage for finding in findings), Usage())
        except Exception as exc:  # noqa: BLE001  # whatever a critic does, the outcome says so and the loop stands
            return [undecided(rule, "loop", f"{type(exc).__name__}: {exc}") for rule in rules]
        return findings

    def _exhausted(self, stop: StopReason) -> Parts:
        given = best(self._attempts, self._manifesto) if self._manifesto.on_exhausted == "best" else None
        if given is None:
            return self._end("withheld", stop)
        return (yield from self._release(stop, given.text))

    def _release(self, stop: StopReason, text: str) -> Parts:
        """The end of an answer that may be shown, unless somebody has cancelled it meanwhile."""
        if self._ledger.stop.is_set():
            return self._end("withheld", "cancelled")
        yield text
        return self._end("released", stop, text)

    def _end(
        self, status: Status, stop: StopReason, answer: str | None = None, *, fault: ModelFault | None = None
    ) -> Outcome:
        if status == "withheld" and self._ledger.stop.is_set():
            stop = "cancelled"
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
            seed=self._first.seed,
            input_verdict=self._input,
            fault=str(fault or ""),
            retryable=fault is not None and fault.retryable,
            cause=fault,
        )
