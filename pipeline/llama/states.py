"""What a GGUF model holds of an exchange, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from critics import Conversation, Exchange, Message, Usage, Vector, time_left
from pipeline.llama.engine import Engine, Looking
from pipeline.llama.shared import common
from pipeline.llama.waiting import waited


class LlamaStates:
    """Looks at the last turn, as the judge reads it in its conversation: what was written or judged on the same engine
    is not read again. What is not through when the critic's time is up is cancelled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, exchange: Exchange, layers: Sequence[int]) -> tuple[Vector, Usage]:
        *before, last = Conversation.unmasked(exchange, exchange.draft).said
        model, asks = self._engine.model, Message("user", "?")
        ids = model.prompt([*before, last, asks])[: model.before_last([*before, last, asks])]
        start = common(ids, model.prompt([*before, replace(last, content=""), asks]))
        request = Looking(tuple(ids), start, tuple(layers), seconds=time_left())
        seen = waited(self._engine.look(request))
        return seen.values.reshape(-1), Usage(seen.read)
