"""A LangChain chat model as a generator."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

from critics import Message
from pipeline.errors import ModelRefused
from pipeline.generator import DraftRequest, Finish, Piece, Pieces
from pipeline.langchain_door.dialects import dialect_of
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.label import label_of, secrets_of
from pipeline.langchain_door.messages import finish_of, text_of, to_langchain, usage_of
from pipeline.langchain_door.meter import Meter
from pipeline.langchain_door.quiet import quietly
from pipeline.langchain_door.retry import Retries, retried_stream
from pipeline.langchain_door.turn import turn
from pipeline.stops import until

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage


class ChatGenerator:
    """Drafts by streaming from a chat model.

    `can_continue` says that the server reads a trailing assistant message as the beginning of its own turn.
    `max_tokens` bounds every draft. Until the first piece a call that failed is made again, `tries`
    times in all within `patience` seconds; a failure after it propagates.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        max_tokens: int | None = None,
        tries: int = 3,
        patience: float = 120.0,
        can_continue: bool = False,
    ) -> None:
        self._dialect = dialect_of(model)
        self._label = label_of(name, self._dialect.place)
        self._secrets = secrets_of(model)
        self._max_tokens = max_tokens
        self._retries = Retries(attempts=tries, timeout=patience)
        self.name = name
        self.can_continue = can_continue

    def __call__(self, request: DraftRequest) -> Pieces:
        """Draft. Closing the generator closes the server's stream. Raises `ModelFault`."""
        if request.continues and not self.can_continue:
            raise ModelRefused(f"{self._label} cannot go on from the beginning of a turn: ask it for a whole one")
        # Not every server takes stop strings, and some of those that do not say nothing.
        return until(retried_stream(lambda: self._pieces(request), self._retries), request.options.stop)

    def _pieces(self, request: DraftRequest) -> Pieces:
        prompt = _prompt(request)
        meter = Meter(prompt)
        finish: Finish | None = None
        with (
            turn(self._dialect.engine, self._label, patience=self._retries.timeout),
            translated(self._label, secrets=self._secrets),
            closing(self._chunks(request, prompt)) as chunks,
        ):
            for chunk in chunks:
                meter.count(usage_of(chunk))
                finish = finish_of(chunk) or finish
                if text := text_of(chunk):
                    yield Piece(text, meter.charge(text))
        if finish or meter.counted:
            yield Piece("", meter.settle(), finish)

    def _chunks(self, request: DraftRequest, prompt: tuple[Message, ...]) -> Generator[AIMessage]:
        wanted = request.options
        bounds = [bound for bound in (request.max_tokens, wanted.max_tokens, self._max_tokens) if bound is not None]
        options = self._dialect.drafting(
            seed=request.seed,
            max_tokens=min(bounds, default=None),
            temperature=wanted.temperature,
            top_p=wanted.top_p,
        )
        model = self._dialect.bound(options)
        stream = model.stream(to_langchain(prompt), quietly(), stop=list(wanted.stop) or None)
        try:
            yield from stream
        except ValueError as exc:
            if "No generation chunks" not in str(exc):  # so LangChain reports an empty answer, which is no fault
                raise


def _prompt(request: DraftRequest) -> tuple[Message, ...]:
    begun = (Message("assistant", request.continues),) if request.continues else ()
    return (*request.messages, *begun)
