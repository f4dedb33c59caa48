"""ChatLlamaCpp: llama-cpp-python in this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.drafting import Form, Tools
from pipeline.errors import ModelUnable
from pipeline.given import given
from pipeline.langchain_door.dialects.dialect import GrammarOf, Options, Schema, short_seed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable


class InProcess:
    """`grammar` compiles a JSON schema into what llama-cpp-python takes as `grammar=`."""

    place = ""
    forms = 1
    says_why = False

    def __init__(self, model: BaseChatModel, grammar: GrammarOf | None) -> None:
        self._model, self._grammar = model, grammar
        self.engine: object | None = getattr(model, "client", None)
        tokens = getattr(self.engine, "n_ctx", None)
        self.context: int | None = tokens() if callable(tokens) else None

    def tokens(self, text: str) -> int | None:
        tokenize = getattr(self.engine, "tokenize", None)
        return len(tokenize(text.encode(), add_bos=False, special=True)) if tokenize else None

    def drafting(
        self,
        *,
        seed: int,
        max_tokens: int | None,
        temperature: float | None = None,
        top_p: float | None = None,
        seconds: float | None = None,  # noqa: ARG002 (the protocol's)
    ) -> Options:
        return given(seed=short_seed(seed), max_tokens=max_tokens, temperature=temperature, top_p=top_p)

    def reading(self, *, top: int) -> Options | None:  # noqa: ARG002 (the protocol's)
        # It would have to keep the logits of its whole context in memory, vocabulary x context x 4 bytes.
        return None

    def writing(self, *, max_tokens: int, schema: Schema | None) -> Sequence[Options]:
        # A penalty on what was said before would keep a verdict from naming the rule that it is about.
        plain = {"streaming": False, "temperature": 0.0, "repeat_penalty": 1.0, "max_tokens": max_tokens}
        if schema is None:
            return [plain]
        if self._grammar is not None:
            return [{**plain, "grammar": self._grammar(schema)}]
        # llama-cpp-python ignores json_schema without a word; this it takes, but falls back to any JSON in silence.
        return [{**plain, "response_format": {"type": "json_object", "schema": dict(schema)}}]

    def bound(self, options: Options) -> Runnable[LanguageModelInput, AIMessage]:
        # ChatLlamaCpp decides by a field whether it streams, and whole answers lose their usage on the way if it does.
        # The copy shares the weights.
        arguments = {key: value for key, value in options.items() if key != "streaming"}
        return self._model.model_copy(update={"streaming": options.get("streaming", True)}).bind(**arguments)

    def drafter(
        self,
        options: Options,
        *,
        tools: Tools | None = None,
        form: Form | None = None,
        way: int = 0,  # noqa: ARG002 (the protocol's)
        streamed: bool = True,  # noqa: ARG002 (the protocol's)
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if tools is not None:  # it loses calls that it streams
            raise ModelUnable("ChatLlamaCpp has no tools here: draft with a server that has", asked="tools")
        if form is not None:
            schema = {"schema": json.loads(form.schema)} if form.schema else {}
            options = {**options, "response_format": {"type": "json_object", **schema}}
        return self.bound(options)
