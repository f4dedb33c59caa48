"""What a GGUF model holds of an exchange, for a probe."""

from __future__ import annotations

from collections.abc import Sequence

from critics import Conversation, Exchange, Message, Usage, Vector, time_left
from pipeline.llama.engine import Engine, Looking


class LlamaStates:
    """Looks at the last turn, as the judge reads it in its conversation: what was written or judged on the same engine
    is not read again. What is not through when the critic's time is up is cancelled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, exchange: Exchange, layers: Sequence[int]) -> tuple[Vector, Usage]:
        said = Conversation.unmasked(exchange, exchange.draft).said
        model = self._engine.model
        asked = [*said, Message("user", "?")]
        ids = model.prompt(asked)[: model.before_last(asked)]
        request = Looking(tuple(ids), model.before_last(said), tuple(layers), seconds=time_left())
        seen = self._engine.look(request).result()
        return seen.values.reshape(-1), Usage(seen.read)
