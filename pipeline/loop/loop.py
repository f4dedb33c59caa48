"""The loop: draft, judge, send back with the critique, until a draft passes or the budget is spent.

Written once, synchronously, with no I/O of its own. What it promises is in docs/loop.md, a test a promise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Generator as Steps
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TypeVar

from critics import Critic, Exchange, Finding, Manifesto, Stream, ToolCall, Verdict, unsettled
from pipeline.drafting import DraftOptions, DraftRequest, Finish, Generator
from pipeline.errors import BadInput, ContextOverflow, ModelFault
from pipeline.loop.answer import Answer, Parts
from pipeline.loop.awaited import awaited
from pipeline.loop.emptiness import verdict_on_empty
from pipeline.loop.judging import Judging
from pipeline.loop.ledger import Clock, Ledger
from pipeline.loop.outcome import Attempt, Outcome, Status, StopReason, best, standstill
from pipeline.loop.redaction import Draft, redacted
from pipeline.loop.revision import KEPT_DRAFTS, converse, first_request, resume, rewind
from pipeline.loop.screening import Asked, Passed
from pipeline.loop.showing import Growing, Showing, mode_of, overlapped
from pipeline.loop.watch import Watch, watched
from pipeline.structured import has_tools, shaped, spelled

Observer = Callable[[Attempt], None]
"""Called after every attempt with what came of it."""

T = TypeVar("T")

Work = Steps[str, None, T]
"""Gives what may be shown meanwhile, and comes to something in the end."""


@dataclass(frozen=True)
class Loop:
    """One manifesto's loop over one generator and one critic. Holds no state: a call's counters live in the call.

    `watch_model` lets the model critic judge a draft while it is being written. Where it is not `timed`, the seconds of
    the budget do not count: what comes out depends on no clock.
    """

    generator: Generator
    critic: Critic
    manifesto: Manifesto
    clock: Clock = time.monotonic
    watch_model: bool = False
    timed: bool = True

    def __call__(
        self,
        exchange: Exchange,
        *,
        seed: int = 0,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> Outcome:
        """Answer the conversation. Never raises for what a model or a critic does: that is in the outcome.

        What a generator raises that is no `ModelFault` is a bug of its, and comes out as it is. Raises `BadInput` for a
        conversation whose last turn is neither the user's nor a tool's.
        """
        return self.stream(exchange, seed=seed, observe=observe, options=options, hold=True).ended()

    def stream(
        self,
        exchange: Exchange,
        *,
        seed: int = 0,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
        hold: bool = False,
        passed: Passed | None = None,
    ) -> Answer:
        """As a call, with the answer in parts, as the manifesto's `stream` lets them be shown, or with `hold` in one.
        One with tools or in a form comes in one as well: it is read as a whole.

        With `passed` all of the conversation is judged as input, and not only its last turn; what passes is remembered
        there. Nothing is done before it is iterated.
        """
        if not exchange.conversation or exchange.conversation[-1].role not in ("user", "tool"):
            raise BadInput("a conversation must end with the user's turn, or with what a tool gave")
        whole = hold or options.tools or options.form or has_tools(exchange.conversation)
        mode: Stream = "hold" if whole else mode_of(self.manifesto, can_continue=self.generator.can_continue)
        stop = threading.Event()
        first = first_request(exchange.conversation, exchange.sources, seed, options)
        budget = self.manifesto.budget
        bounds = budget if self.timed else budget.model_copy(update={"seconds": None})
        ledger = Ledger(bounds, clock=self.clock, stop=stop)
        judging = Judging(self.critic, self.manifesto, replace(exchange, draft=None), ledger)
        asked = Asked(replace(exchange, draft=None), options, passed)
        run = _Run(self, judging, ledger, first, Showing(mode, self.manifesto), asked, observe or (lambda _: None))
        return Answer(run.parts(), stop)


class _Run:
    """One call of the loop."""

    def __init__(
        self,
        loop: Loop,
        judging: Judging,
        ledger: Ledger,
        first: DraftRequest,
        showing: Showing,
        asked: Asked,
        observe: Observer,
    ) -> None:
        self._generator = loop.generator
        self._manifesto = loop.manifesto
        self._judging = judging
        self._ledger = ledger
        self._clock = loop.clock
        self._first = first
        self._showing = showing
        self._asked = asked
        self._observe = observe
        # What is shown as it is written is judged by more rules than these, and as often; JSON is read as a whole.
        watches = showing.mode == "hold" and not first.options.form
        self._watched = watched(loop.manifesto, model=loop.watch_model) if watches else ()
        # Where parts are judged, the critics have read them by then.
        self._followed = watches and not (loop.watch_model or first.options.tools)
        self._attempts: list[Attempt] = []
        self._since = 0
        """The attempt that last got something shown: with it begins what may come to a standstill."""
        self._inputs: list[Verdict] = []

    def parts(self) -> Parts:
        """Draft and judge to the end, giving what may be shown."""
        self._ledger.begin()
        if refused := self._refused():
            return refused
        while True:
            if stop := self._ledger.spent() or standstill(self._attempts[self._since :]):
                return (yield from self._exhausted(stop))
            try:
                attempt = yield from self._attempt()
            except ModelFault as exc:
                if (over := self._ledger.cut()) in ("seconds", "cancelled"):
                    return (yield from self._exhausted(over))
                return self._end("faulted", "fault", fault=exc)
            if attempt is None:
                return (yield from self._exhausted(self._ledger.cut() or "tokens"))
            self._attempts.append(attempt)
            self._observe(attempt)
            if attempt.verdict.outcome == "pass":
                return (yield from self._release("passed", attempt))
            if attempt.verdict.outcome == "undecided":
                late = self._ledger.cut() == "seconds"
                return (yield from self._exhausted("seconds")) if late else self._end("withheld", "undecided")
            if self._showing.mode == "window" and self._showing.text:
                return self._end("withheld", "shown")

    def _refused(self) -> Outcome | None:
        """The end of it, where what is asked does not pass."""
        for turn in self._asked.turns(self._manifesto) if self._manifesto.rules_for("input") else ():
            verdict = self._judging.of_input(turn)
            self._inputs.append(verdict)
            if verdict.outcome == "undecided":
                return self._end("withheld", "seconds" if self._ledger.cut() == "seconds" else "undecided")
            if verdict.outcome != "pass":
                return self._end("withheld", "input")
            self._asked.remember(turn, self._manifesto, verdict)
            if stop := self._ledger.cut():
                return self._end("withheld", stop)
        return None

    def _attempt(self) -> Work[Attempt | None]:
        """Draft, mend and judge; `None` where tokens or time ran out in the middle of a draft."""
        began, before = self._clock(), self._ledger.generator
        request = self._request()
        draft, request = yield from self._draft(request)
        if draft is None:
            return None
        verdict = draft.verdict or self._judging.of_draft(draft)
        self._ledger.attempts += 1
        return Attempt(
            number=self._ledger.attempts,
            seed=request.seed,
            draft=draft.written,
            calls=draft.calls,
            read=draft.read,
            text=draft.text,
            verdict=verdict,
            usage=self._ledger.generator - before,
            seconds=self._clock() - began,
            finish=draft.finish,
            continued_from=len(request.continues),
            redactions=draft.redactions,
        )

    def _request(self, kept: int = KEPT_DRAFTS) -> DraftRequest:
        seed = self._first.seed + len(self._attempts)
        if not self._attempts:
            return self._first
        if self._showing.mode == "sentence":
            return resume(self._first, self._attempts[-1], self._showing.text, seed)
        if self._manifesto.revision == "rewind" and self._generator.can_continue and kept:
            request = rewind(self._first, self._attempts[-1], seed)
            if request is not None:
                return request
        return converse(self._first, self._attempts, seed, kept=kept)

    def _draft(self, request: DraftRequest) -> Work[tuple[Draft | None, DraftRequest]]:
        """What was written for the request, or for a shorter one where it did not fit the context."""
        shown = self._showing.text
        for kept in range(KEPT_DRAFTS - 1, -1, -1):
            try:
                return (yield from self._written(request)), request
            except ContextOverflow:
                if not self._attempts:
                    raise
                if self._showing.mode == "window" and self._showing.text != shown:
                    raise  # another draft would not go on from there
                request = self._request(kept)
        return (yield from self._written(request)), request

    def _written(self, request: DraftRequest) -> Work[Draft | None]:
        written, finish = request.continues, None
        calls: list[ToolCall] = []
        growing, watch = self._showing.draft(), Watch(len(written))
        with ExitStack() as stack:
            follow = stack.enter_context(self._judging.following()) if self._followed else None
            request = self._bounded(request, followed=follow is not None)
            for piece in stack.enter_context(closing(awaited(self._generator, request))):
                self._ledger.generator += piece.usage
                written += piece.text
                calls += piece.calls
                finish = piece.finish or finish
                if self._ledger.cut():
                    return None
                if follow:
                    follow(written)
                if failed := (yield from self._shown(growing, written)):
                    return failed
                part = watch.finished(written, piece.text) if self._watched and not finish else None
                if part is not None and (vetoed := self._vetoed(part)):
                    return vetoed
        if request.time_left == 0.0:  # it need not have come to its end
            return None
        if failed := (yield from self._shown(growing, written, ended=True)):
            return failed
        growing.grew(written)
        if self._ledger.stop.is_set():
            return None
        if calls or self._first.options.tools or self._first.options.form:
            return self._shaped(written, calls, finish)
        return self._mended(growing, written, finish)

    def _bounded(self, request: DraftRequest, *, followed: bool) -> DraftRequest:
        """The request, with what is left of the budget."""
        left = self._ledger.seconds_left
        return replace(
            request,
            max_tokens=self._ledger.tokens_left,
            stop=self._ledger.stop,
            deadline=None if left is None else time.monotonic() + left,
            followed=followed,
        )

    def _shown(self, growing: Growing, written: str, *, ended: bool = False) -> Work[Draft | None]:
        """Show what has passed of a draft by now. It ends with the part that failed, where one did."""
        for end in growing.due(written, ended=ended):
            draft = self._mended(growing, written, "stopped", end)
            if draft is None or verdict_on_empty(self._manifesto, draft.text):
                continue
            begin = overlapped(draft.text, len(self._showing.text)) if self._showing.mode == "window" else 0
            verdict = self._judging.of_part(draft.text, self._showing.rules, begin)
            if self._ledger.stop.is_set():
                return None
            if verdict.outcome == "pass":
                growing.shown, growing.mended = end, draft.redactions
                yield from self._give(draft.text)
            elif verdict.outcome != "undecided":
                return replace(draft, verdict=verdict)
            if self._ledger.cut():
                return None
        return None

    def _vetoed(self, part: str) -> Draft | None:
        """The part of a draft that was written so far, where it breaks a watched rule."""
        growing = self._showing.draft()
        growing.grew(part)
        if unsettled(growing.text):  # the next part has all of this one in it
            return None
        draft = self._mended(growing, part, "vetoed")
        standing = self._judging.breaches(draft.text, self._watched) if draft else ()
        return replace(draft, standing=standing) if draft and standing else None

    def _mended(self, growing: Growing, written: str, finish: Finish | None, end: int | None = None) -> Draft | None:
        """The draft up to `end`, mended behind what has been shown; `None` where something goes on behind its end."""
        shown, rest = self._showing.text, growing.text[growing.shown :]
        text = shown + rest if rest.strip() else shown or rest
        upto = None if end is None else len(shown) + end - growing.shown
        mended = redacted(text, self._judging.mends(text, len(shown)), upto)
        return mended and Draft(written, mended[0], (*growing.mended, *mended[1]), finish)

    def _shaped(self, written: str, calls: Sequence[ToolCall], finish: Finish | None) -> Draft:
        """A draft that is more than prose. It is held, so nothing of it has been shown."""

        def mend(text: str) -> tuple[str, tuple[Finding, ...]]:
            return redacted(text, self._judging.mends(text)) or (text, ())

        made = shaped(written, calls, self._first.options, mend, finish=finish)
        drafted = "\n\n".join(filter(None, (written, *map(spelled, calls))))
        return Draft(
            written=drafted,
            text=made.text,
            redactions=made.redactions,
            finish=finish,
            calls=made.calls,
            read=made.judged,
            fault=made.fault,
        )

    def _exhausted(self, stop: StopReason) -> Parts:
        wanted = self._manifesto.on_exhausted == "best" and self._showing.mode == "hold"
        given = best(self._attempts, self._manifesto) if wanted else None
        if given is None:
            return self._end("withheld", stop)
        return (yield from self._release(stop, given))

    def _release(self, stop: StopReason, given: Attempt) -> Parts:
        """The end of an answer that may be shown, unless somebody has cancelled it meanwhile."""
        if self._ledger.stop.is_set():
            return self._end("withheld", "cancelled")
        yield from self._give(given.text)
        return replace(self._end("released", stop, given.text), calls=given.calls)

    def _give(self, text: str) -> Work[None]:
        """Show what of a text has not been shown. It begins with what has."""
        fresh = text[len(self._showing.text) :]
        self._showing.text, self._since = text, len(self._attempts)
        if fresh:
            yield fresh

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
            inputs=tuple(self._inputs),
            fault=str(fault or ""),
            retryable=fault is not None and fault.retryable,
            cause=fault,
            shown="" if status == "released" else self._showing.text,
        )
