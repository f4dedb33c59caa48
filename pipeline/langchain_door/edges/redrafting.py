"""The loop round something that is not a generator of ours: it is called, judged, and called again with the advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Generic, TypeVar

from critics import Critic, Exchange, Finding, Message, Rule, Source, Usage, visible
from pipeline.drafting import DraftRequest, Finish, Piece, Pieces
from pipeline.loop import Answer, Outcome, asked_for, redacted
from pipeline.pipeline import Pipeline

R = TypeVar("R")
Began = Callable[[Answer], None]
"""Is told of an answer that is worked on, so that it can be cancelled."""


@dataclass(frozen=True)
class Spoken:
    """What a response says, what it cost, why it ended, and the sources that it was made from."""

    text: str
    usage: Usage = Usage()
    finish: Finish = "stop"
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Moderated(Generic[R]):
    """What came of it, the response whose words passed, if any did, the last one, if there was any, and all in turn."""

    outcome: Outcome
    passed: R | None
    last: R | None
    all: tuple[R, ...]

    def beside(self, one: R) -> list[R]:
        """The others, which cost something as well."""
        return [response for response in self.all if response is not one]


def moderated(
    pipeline: Pipeline,
    conversation: Sequence[Message],
    call: Callable[[Sequence[Message]], R],
    spoken: Callable[[R], Spoken],
    *,
    name: str,
    sources: Sequence[Source] = (),
    revisable: bool = True,
    began: Began | None = None,
) -> Moderated[R]:
    """Call until a response passes, by the pipeline's manifesto and critics and within its budget.

    `call` is handed the turns that are to be added: a failed draft and what to change, none at first. Where it can do
    nothing with them, because it is not `revisable`, it is called once. What it raises is let through.
    """
    caller = _Caller(name, call, spoken)
    manifesto = pipeline.manifesto
    if not revisable:
        once = manifesto.budget.model_copy(update={"attempts": 1})
        manifesto = manifesto.model_copy(update={"budget": once})
    round_it = replace(
        pipeline, manifesto=manifesto, critic=_Sourced(pipeline.critic, caller), generator=caller, free=_nothing
    )
    answer = round_it.stream(conversation, context=sources, hold=True)
    if began is not None:
        began(answer)
    outcome = replace(answer.ended(), manifesto=pipeline.manifesto)
    passed, responses = outcome.given, caller.responses
    given = responses[passed.number - 1] if passed else None
    return Moderated(outcome, given, responses[-1] if responses else None, tuple(responses))


def held_back(outcome: Outcome) -> Outcome:
    """The outcome where what passed cannot be given out in exactly these words."""
    manifesto = outcome.manifesto
    refusal = None if manifesto.on_exhausted == "error" else manifesto.refusal
    return replace(outcome, status="withheld", stop_reason="undecided", answer=refusal)


def mender(pipeline: Pipeline, conversation: Sequence[Message]) -> Callable[[str], str]:
    """What the `redact` rules make of a text by itself: nothing, where a critic breaks, so that it will not pass."""
    rules = [rule for rule in pipeline.manifesto.rules_for("output") if rule.action == "redact"]

    def mend(text: str) -> str:
        shown = visible(text)
        if not rules or not shown.strip():
            return shown
        try:
            findings = pipeline.critic(Exchange(tuple(conversation), shown), rules)
        except Exception:  # noqa: BLE001  # whatever a critic does; the text is judged again, or not given out
            return shown
        mended = redacted(shown, asked_for(findings, rules))
        return mended[0] if mended else shown

    return mend


class _Caller(Generic[R]):
    """A generator for one run of the loop, whose every draft is one call."""

    can_continue = False

    def __init__(self, name: str, call: Callable[[Sequence[Message]], R], spoken: Callable[[R], Spoken]) -> None:
        self.name = name
        self._call = call
        self._spoken = spoken
        self._asked: int | None = None
        self.responses: list[R] = []
        self.sources: tuple[Source, ...] = ()

    def __call__(self, request: DraftRequest) -> Pieces:
        response = self._call(self._added(request.messages))
        spoken = self._spoken(response)
        self.responses.append(response)
        self.sources = spoken.sources
        yield Piece(spoken.text, spoken.usage, spoken.finish)

    def _added(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The turns behind the conversation, in which a revision makes one of neighbours with the same role."""
        if self._asked is None:
            self._asked = sum(1 for _ in groupby(messages, key=lambda message: message.role))
            return ()
        return messages[self._asked :]


class _Sourced:
    """A critic that is also shown what the response was made from."""

    def __init__(self, critic: Critic, caller: _Caller[R]) -> None:
        self._critic = critic
        self._caller = caller

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        return self._critic(replace(exchange, sources=(*exchange.sources, *self._caller.sources)), rules)


def _nothing() -> None:
    pass
