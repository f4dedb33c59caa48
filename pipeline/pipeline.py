"""A ready pipeline: what edges are handed, and what a Python program uses."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Self

from critics import Critic, Exchange, Manifesto, Message, Source, Verdict
from pipeline.asked import asked_in, sources_of, turns_of
from pipeline.drafting import DraftOptions, Generator
from pipeline.errors import BadInput
from pipeline.loop import Answer, Loop, Observer, Outcome, Passed, decided, last_turn, verdict_on_empty
from pipeline.rim import AsyncAnswer, ended, in_thread
from pipeline.structured import heard

_SEEDS = 1 << 31


@dataclass(frozen=True)
class Pipeline:
    """A manifesto, the critic that holds drafts against it, and a generator that drafts (none is needed to judge).

    `watch_model` lets the model critic judge a draft while it is being written, at a cost of tokens for each sentence.
    Where it is not `timed`, the seconds of the manifesto's budget do not count: what comes out depends on no clock.
    `free` gives back what the parts hold, engines above all; a pipeline is a context manager that does so in the end.
    `known` tells what answers depend on beside the manifesto and what is asked, where that is known.
    """

    manifesto: Manifesto
    critic: Critic
    generator: Generator | None = None
    watch_model: bool = False
    timed: bool = True
    free: Callable[[], None] = lambda: None
    known: InitVar[str | None] = None
    conditions: str = field(init=False, repr=False, compare=False)
    """`known`, else what no other pipeline has: nobody may take answers of this one for those of another."""

    def __post_init__(self, known: str | None) -> None:
        object.__setattr__(self, "conditions", known or secrets.token_hex(16))

    def ask(
        self,
        prompt: str | Sequence[Message],
        *,
        context: Sequence[Source] = (),
        seed: int | None = None,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> Outcome:
        """Take a prompt, or a conversation that ends with the user's turn or a tool's, through the loop.

        `seed` makes the drafts repeatable on one machine; what else an engine works on or has just read may change a
        word, unless the settings are `deterministic`. Without one it is drawn, and it is in the outcome either way.
        Raises `BadInput` for an empty prompt, for a conversation that ends with another turn, and for a seed that is no
        whole number; what models and critics do wrong is in the outcome. `options` are for the drafts of this call.
        """
        loop, exchange = self._loop(), Exchange(asked_in(prompt), None, sources_of(context))
        return loop(exchange, seed=_drawn(seed), observe=observe, options=options)

    def stream(
        self,
        prompt: str | Sequence[Message],
        *,
        context: Sequence[Source] = (),
        seed: int | None = None,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
        hold: bool = False,
        passed: Passed | None = None,
    ) -> Answer:
        """As `ask`, with the answer in parts, each as soon as the manifesto's `stream` lets it be shown.

        With `hold` it comes in one part whatever the manifesto says: as from `ask`, and it can be cancelled. With
        `passed`, which remembers it from call to call, the whole conversation is judged as input.
        """
        loop, exchange = self._loop(), Exchange(asked_in(prompt), None, sources_of(context))
        return loop.stream(exchange, seed=_drawn(seed), observe=observe, options=options, hold=hold, passed=passed)

    async def aask(
        self,
        prompt: str | Sequence[Message],
        *,
        context: Sequence[Source] = (),
        seed: int | None = None,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> Outcome:
        """As `ask`, in a thread, where `observe` is called as well. Cancelling whoever waits stops the work."""
        asked = self.stream(prompt, context=context, seed=seed, observe=observe, options=options, hold=True)
        return await ended(asked)

    def astream(
        self,
        prompt: str | Sequence[Message],
        *,
        context: Sequence[Source] = (),
        seed: int | None = None,
        observe: Observer | None = None,
        options: DraftOptions = DraftOptions(),
    ) -> AsyncAnswer:
        """As `stream`, in a thread: iterate over it with `async for`. Leaving it early stops the work."""
        return AsyncAnswer(self.stream(prompt, context=context, seed=seed, observe=observe, options=options))

    def judge(
        self, prompt: str | Sequence[Message], response: str | None = None, *, context: Sequence[Source] = ()
    ) -> Verdict:
        """Judge an existing response to a prompt, or with no response the prompt itself, by the rules for it: of a
        conversation its last turn, several tools' results being one.

        A manifesto without any such rule decides nothing. Raises `BadInput` where there is nothing to judge: no
        response, and a prompt that is empty, or a conversation that ends with the model's own turn.
        """
        conversation = asked_in(prompt) if response is None else turns_of(prompt)
        given = Exchange(conversation, response, sources_of(context))
        rules = self.manifesto.rules_for("output" if response is not None else "input")
        if not rules:
            return Verdict("undecided", None, None)
        if response is not None and (empty := verdict_on_empty(self.manifesto, response)):
            return empty
        exchange = heard(given) if response is not None else last_turn(given)
        return decided(self.manifesto, lambda asked: self.critic(exchange, asked), rules)

    def close(self) -> None:
        """Free the engines; a second time does nothing. What is asked afterwards of a model that is gone is faulted."""
        self.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await in_thread(self.close, cancel=lambda: None)

    def _loop(self) -> Loop:
        if self.generator is None:
            raise BadInput("this pipeline only judges: it has no generator")
        return Loop(self.generator, self.critic, self.manifesto, watch_model=self.watch_model, timed=self.timed)


def _drawn(seed: int | None) -> int:
    try:
        return secrets.randbelow(_SEEDS) if seed is None else operator.index(seed)
    except TypeError:
        raise BadInput(f"`seed` is a whole number, not {seed!r}") from None
