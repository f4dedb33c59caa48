"""A GGUF model that drafts."""

from __future__ import annotations

import codecs

from critics import Usage
from pipeline.generator import DraftRequest, Finish, Piece, Pieces
from pipeline.llama.weights import LlamaContext


class LlamaGenerator:
    """Drafts by sampling. `temperature` 0 is greedy; `max_tokens` bounds every draft."""

    can_continue = True

    def __init__(
        self,
        model: LlamaContext,
        *,
        temperature: float = 0.7,
        top_p: float = 0.9,
        min_p: float = 0.05,
        max_tokens: int = 512,
    ) -> None:
        self._model = model
        self._sampling = {"temp": temperature, "top_p": top_p, "min_p": min_p, "top_k": 0}
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        return self._model.name

    def __call__(self, request: DraftRequest) -> Pieces:
        model = self._model
        with model.lock:
            ids = model.prompt(request.messages, continues=request.continues)
            room = model.context - len(ids)
            allowed = min(room, self._max_tokens, request.max_tokens or room)
            model.llama.set_seed(request.seed & 0xFFFFFFFF)
            yield Piece("", Usage(len(ids), 0))
            yield from self._pieces(ids, allowed)

    def _pieces(self, ids: list[int], allowed: int) -> Pieces:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        finish: Finish = "stop"
        tokens = self._model.written(ids, **self._sampling)
        for count, token in enumerate(tokens, start=1):
            text = self._model.llama.detokenize([token], prev_tokens=ids)
            yield Piece(decoder.decode(text), Usage(0, 1))
            if count >= allowed:
                finish = "length"
                break
        yield Piece(decoder.decode(b"", final=True), finish=finish)
