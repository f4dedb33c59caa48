"""What a GGUF model holds of an exchange, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from critics import Conversation, Exchange, Message, Usage, Vector, time_left
from pipeline.llama.engine import Engine, Looking
from pipeline.llama.shared import common
from pipeline.llama.waiting import waited

_ASKS = Message("user", "?")
"""The turn that follows where the judge asks: before it everything is as it is for the judge."""


class LlamaStates:
    """Looks at the last turn, as the judge reads it in its conversation: what was written or judged on the same engine
    is not read again. What is not through when the critic's time is up is cancelled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, exchange: Exchange, layers: Sequence[int]) -> tuple[Vector, Usage]:
        *before, last = Conversation.unmasked(exchange, exchange.draft).said
        ids = self._read([*before, last])
        start = common(ids, self._engine.model.prompt([*before, replace(last, content=""), _ASKS]))
        request = Looking(tuple(ids), start, tuple(layers), seconds=time_left())
        seen = waited(self._engine.look(request))
        return seen.values.reshape(-1), Usage(seen.read)

    def length(self, exchange: Exchange) -> int:
        """Tokens that are read to look at it."""
        return len(self._read(Conversation.unmasked(exchange, exchange.draft).said))

    def _read(self, said: Sequence[Message]) -> list[int]:
        asked, model = [*said, _ASKS], self._engine.model
        return model.prompt(asked)[: model.before_last(asked)]
