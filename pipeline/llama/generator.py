"""A GGUF model that drafts."""

from __future__ import annotations

from dataclasses import replace

from critics import Usage
from pipeline.drafting import DraftRequest, Form, Piece, Pieces
from pipeline.errors import ModelUnable
from pipeline.llama.engine import Adapter, Engine, Generation, Sampling
from pipeline.llama.grammar import grammar_of
from pipeline.llama.model import refuse_overflow
from pipeline.structured import has_tools


class LlamaGenerator:
    """Drafts by sampling. `temperature` 0 is greedy; `max_tokens` bounds every draft, what it continues from included.

    It keeps to a form by grammar, and has no tools. Raises `ModelUnusable` for a model that cannot be asked.
    """

    can_continue = True

    def __init__(
        self,
        engine: Engine,
        *,
        temperature: float = 0.7,
        top_p: float = 0.9,
        min_p: float = 0.05,
        max_tokens: int = 512,
        adapters: tuple[Adapter, ...] = (),
    ) -> None:
        engine.model.refuse_unasked()
        self._engine = engine
        self._sampling = Sampling(temperature=temperature, top_p=top_p, min_p=min_p)
        self._max_tokens = max_tokens
        self._adapters = adapters

    @property
    def name(self) -> str:
        return self._engine.model.name

    def __call__(self, request: DraftRequest) -> Pieces:
        engine = self._engine
        if request.options.tools or has_tools(request.messages):
            raise ModelUnable(f"{self.name} has no tools: draft with a server that has", asked="tools")
        ids = engine.model.prompt(request.messages, continues=request.continues)
        refuse_overflow(self.name, len(ids), 1, engine.context)
        most = self._most(request, engine.context - len(ids))
        if most < 1:  # what it continues from is as long as the draft may be
            yield Piece("", finish="length")
            return
        sampling = self._sampled(request)
        writing = engine.generate(
            Generation(
                tuple(ids),
                most,
                sampling,
                stop=tuple(request.options.stop),
                begun=request.continues,
                adapters=self._adapters,
                followed=request.followed,
            )
        )
        text = [request.continues]
        try:
            yield Piece("", Usage(len(ids), 0))
            for chunk in writing.heard(lambda: request.time_left == 0.0):
                text.append(chunk.text)
                yield Piece(chunk.text, Usage(0, chunk.tokens), chunk.finish)
            if not engine.fixed:  # where it must not matter what was written before
                self._remember("".join(text), request.continues, writing.tokens)
        finally:
            writing.cancel()

    def _most(self, request: DraftRequest, room: int) -> int:
        """Tokens that may be written after what the draft continues from."""
        begun = len(self._engine.model.tokenise(request.continues, False)) if request.continues else 0
        whole = [bound - begun for bound in (self._max_tokens, request.options.max_tokens) if bound is not None]
        return min(room, request.max_tokens or room, *whole)

    def _sampled(self, request: DraftRequest) -> Sampling:
        options = request.options
        sampling = replace(self._sampling, seed=request.seed)
        if options.temperature is not None:
            sampling = replace(sampling, temperature=options.temperature)
        if options.form is not None:
            sampling = replace(sampling, grammar=self._grammar(options.form))
        return sampling if options.top_p is None else replace(sampling, top_p=options.top_p)

    def _grammar(self, form: Form) -> str:
        grammar = grammar_of(form)
        if not self._engine.model.compiles(grammar):
            raise ModelUnable("the grammar of this schema does not compile", asked="form", why="it is too complex")
        return grammar

    def _remember(self, draft: str, continues: str, tokens: list[int]) -> None:
        """So that a critic, or the next attempt, that shows the draft finds it in the cache."""
        model = self._engine.model
        ids = (model.tokenise(continues, False) if continues else []) + tokens
        spelled = b"".join(map(model.piece, ids)).decode("utf-8", "replace")
        if spelled == draft and not any(map(model.control, ids)):
            model.remember(draft, ids)
