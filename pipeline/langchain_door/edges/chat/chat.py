"""A chat model of LangChain's whose every answer has passed."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from os import PathLike
from typing import Any, Literal, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableSequence
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr, SkipValidation, model_validator

from pipeline.errors import BadInput
from pipeline.langchain_door.calls import from_calls
from pipeline.langchain_door.edges.chat.caching import OneCall, for_one_call
from pipeline.langchain_door.edges.chat.calling import Call, in_time
from pipeline.langchain_door.edges.context import quiet_context
from pipeline.langchain_door.edges.telling import answer_of, metadata, spent
from pipeline.langchain_door.edges.turns import conversation_of
from pipeline.langchain_door.generator import ChatGenerator
from pipeline.loop import Answer, Outcome
from pipeline.pipeline import Pipeline
from pipeline.rim import in_thread

PROVIDER = "superego"

_loading = threading.Lock()


class ChatEdge(BaseChatModel):
    """Answers by a manifesto, or with its refusal.

    `temperature`, `top_p`, `max_tokens`, `stop` and `seed` are for the drafts, and can be given by call as well. So can
    `context`: documents that the drafts are made from and held against. `timeout` bounds one call, in seconds: all of
    it, from the first draft to the last part, whatever it waits for. Then it raises `TimeoutError`.
    """

    pipeline: SkipValidation[Pipeline] | None = Field(default=None, exclude=True, repr=False)
    """A ready one. It stays its owner's: `close` does not free it."""
    manifesto: str | PathLike[str] | None = None
    """A shipped name or a path, where no pipeline is given; loaded when it is first needed."""
    model: SkipValidation[BaseChatModel] | None = Field(default=None, exclude=True)
    """What drafts, instead of the settings' generator."""
    max_retries: int = 2
    """How often a call of `model` that failed is made again. Its own retries come on top: give it `max_retries=0`."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | None = None
    seed: int | None = None
    timeout: float | None = None
    streaming: bool = False
    on_withheld: Literal["refuse", "raise"] = "refuse"
    """Whether a withheld answer is the manifesto's refusal, or raises `Withheld`."""
    tell: bool = True
    """Whether `response_metadata` tells how an answer came about."""

    # A misspelt `manifesto` must not mean the default one.
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    _made: Pipeline | None = PrivateAttr(default=None)

    @property
    def ready(self) -> Pipeline:
        """The pipeline. The first time it is loaded, which may take seconds."""
        if self.pipeline is not None and self.model is None:
            return self.pipeline
        if self._made is not None:  # nobody who has one waits for those who load theirs
            return self._made
        with _loading:
            if self._made is None:
                self._made = self._load() if self.pipeline is None else self._lent(self.pipeline)
            return self._made

    def close(self) -> None:
        """Free the engines of a pipeline that was loaded here."""
        with _loading:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not isinstance(self.model, BaseChatModel | None):  # to one with options bound to it none could be given
            kind = type(self.model).__name__
            raise ValueError(f"`model` is a chat model itself, not a {kind}: retries and fallbacks go round this one")
        if self.pipeline is not None and self.manifesto is not None:
            raise ValueError("give a pipeline or a manifesto's name: a pipeline has a manifesto")
        return self

    def _lent(self, pipeline: Pipeline) -> Pipeline:
        """Somebody's pipeline with `model` to draft; freeing that is its owner's affair."""
        return self._with_model(replace(pipeline, free=lambda: None, known=pipeline.conditions))

    def _load(self) -> Pipeline:
        raise BadInput("a moderated chat model needs a pipeline")

    def _with_model(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with `model` to draft, where there is one; the other conditions are what they were."""
        if self.model is None:
            return pipeline
        name = self.model._get_ls_params().get("ls_model_name") or self.model._llm_type
        drafts = ChatGenerator(self.model, name=name, tries=self.max_retries + 1)
        return replace(pipeline, generator=drafts, known=pipeline.conditions)

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _model_name(self) -> str:
        return f"{PROVIDER}/{self.ready.manifesto.name}"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        # What LangChain keeps answers under in its cache: where the manifesto, a model, a critic or a setting is
        # another one, they may not have passed.
        generator = self.ready.generator
        own = ("temperature", "top_p", "max_tokens", "seed", "on_withheld", "tell")
        asked = {name: getattr(self, name) for name in own}
        return {
            "model_name": self._model_name,
            "manifesto_hash": self.ready.manifesto.hash,
            "conditions": self.ready.conditions,
            "generator": generator.name if generator else None,
            "drafting": self._of_model(),
            "own_stop": self.stop,  # under `stop` LangChain puts a call's
            **asked,
        }

    def _of_model(self) -> str | None:
        """A digest of what LangChain would keep the answers of `model` under."""
        return None if self.model is None else sha256(self.model._get_llm_string().encode()).hexdigest()

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        wanted = {**self._identifying_params, **kwargs}
        params = LangSmithParams(
            ls_provider=PROVIDER, ls_model_name=wanted.get("model") or self._model_name, ls_model_type="chat"
        )
        if wanted["temperature"] is not None:
            params["ls_temperature"] = wanted["temperature"]
        if wanted["max_tokens"] is not None:
            params["ls_max_tokens"] = wanted["max_tokens"]
        if stops := list(stop or self.stop or ()):
            params["ls_stop"] = stops
        return params

    def _generate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        return super(ChatEdge, self._for_one_call())._generate_with_cache(*args, **kwargs)

    async def _agenerate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        return await super(ChatEdge, self._for_one_call())._agenerate_with_cache(*args, **kwargs)

    def _for_one_call(self) -> Self:
        """Itself, or where answers are kept a copy with a cache that is told what came of this one."""
        cache = for_one_call(self.cache)
        if cache is None:
            return self
        _ = self.ready  # loaded once, and not by each copy
        return self.model_copy(update={"cache": cache})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self._asked(messages, stop, kwargs, hold=True)
        with quiet_context(run_manager) as context, in_time(answer, self.timeout):
            outcome = context.run(answer.ended)
        return self._result(outcome, kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self._asked(messages, stop, kwargs, hold=True)
        with quiet_context(run_manager) as context, in_time(answer, self.timeout):
            outcome = await in_thread(partial(context.run, answer.ended), cancel=answer.cancel)
        return self._result(outcome, kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._asked(messages, stop, kwargs)
        with quiet_context(run_manager) as context, in_time(answer, self.timeout):
            parts = iter(answer)
            try:
                while (part := context.run(next, parts, None)) is not None:
                    yield _chunk(part)
            finally:
                context.run(answer.close)
        yield self._last(answer, kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = self._asked(messages, stop, kwargs)
        with quiet_context(run_manager) as context, in_time(answer, self.timeout):
            following = partial(context.run, next, iter(answer), None)
            try:
                while (part := await in_thread(following, cancel=answer.cancel)) is not None:
                    yield _chunk(part)
            finally:  # also where the consumer leaves
                answer.cancel()
                await in_thread(partial(context.run, answer.close), cancel=answer.cancel)
        yield self._last(answer, kwargs)

    def _asked(
        self,
        messages: Sequence[BaseMessage],
        stop: Sequence[str] | None,
        by_call: Mapping[str, Any],
        *,
        hold: bool = False,
    ) -> Answer:
        told = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens, "seed": self.seed}
        if by_call.get("max_completion_tokens") is not None:
            del told["max_tokens"]  # the call's bound takes the place of the model's, by whichever name
        call = Call.of({**told, **by_call}, stop=self.stop if stop is None else stop)
        return self.ready.stream(
            conversation_of(messages), context=call.context, seed=call.seed, options=call.options, hold=hold
        )

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools for the drafts, where what drafts has tools; calls are judged as text is, by what they say."""
        formed = [convert_to_openai_tool(tool) for tool in tools]
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=formed, **chosen, **kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers as objects. Of a withheld one there is none: it raises `Withheld`, unless the message is given as
        well."""
        made = super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        if include_raw or not isinstance(made, RunnableSequence):
            return made
        return made.first.bind(on_withheld="raise") | made.last

    def _answer(self, outcome: Outcome, by_call: Mapping[str, Any]) -> str:
        if isinstance(self.cache, OneCall):
            self.cache.ended(outcome)
        if outcome.stop_reason == "cancelled":
            raise TimeoutError(f"there was no answer within {self.timeout} s")
        return answer_of(outcome, refuse=by_call.get("on_withheld", self.on_withheld) == "refuse")

    def _told(self, outcome: Outcome) -> dict[str, Any]:
        told = {"model_name": self._model_name, "model_provider": PROVIDER, **metadata(outcome, tell=self.tell)}
        return {"response_metadata": told, "usage_metadata": spent(outcome)}

    def _result(self, outcome: Outcome, by_call: Mapping[str, Any]) -> ChatResult:
        message = AIMessage(self._answer(outcome, by_call), **from_calls(outcome.calls), **self._told(outcome))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _last(self, answer: Answer, by_call: Mapping[str, Any]) -> ChatGenerationChunk:
        """What is not said yet: how it ended, what is called, and the refusal where nothing was shown, or all of what
        was released."""
        rest = self._answer(answer.outcome, by_call)
        calls = [
            {"name": call.name, "args": call.arguments, "id": call.id, "index": index, "type": "tool_call_chunk"}
            for index, call in enumerate(answer.outcome.calls)
        ]
        told = self._told(answer.outcome)
        return _chunk("" if answer.shown else rest, chunk_position="last", tool_call_chunks=calls, **told)


def _chunk(text: str, **more: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text, **more))
