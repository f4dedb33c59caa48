"""ChatOpenAI and its kin, speaking to OpenAI or to a server that is compatible with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.addresses import bare
from pipeline.drafting import Form, Tools
from pipeline.errors import ModelUnable
from pipeline.given import given
from pipeline.langchain_door.calls import binding, json_object, offered, response_format
from pipeline.langchain_door.dialects.dialect import Options, Schema, short_seed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable


_SHORTEST = 0.001
"""Seconds of a timeout: none at all would be no bound."""


class OpenAi:
    """Chat completions, or the Responses API, which takes no seed and gives no log probabilities that we read."""

    engine: object | None = None
    forms = 2
    says_why = True
    context: int | None = None

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._responses = bool(getattr(model, "use_responses_api", False))
        address = urlsplit(str(getattr(getattr(model, "root_client", None), "base_url", "")))
        self._vendor = (address.hostname or "").endswith((".openai.com", ".azure.com"))
        self.place = bare(address.geturl()).rstrip("/") if address.netloc else ""

    def tokens(self, text: str) -> int | None:  # noqa: ARG002 (the protocol's)
        return None

    def drafting(
        self,
        *,
        seed: int,
        max_tokens: int | None,
        temperature: float | None = None,
        top_p: float | None = None,
        seconds: float | None = None,
    ) -> Options:
        patience = {} if seconds is None else given(timeout=self._timeout(max(seconds, _SHORTEST)))
        options = {**given(temperature=temperature, top_p=top_p), **patience, **self._limits(max_tokens)}
        return options if self._responses else {"seed": short_seed(seed), "stream_usage": True, **options}

    def reading(self, *, top: int) -> Options | None:
        if self._responses:
            return None
        return {"temperature": 0.0, "logprobs": True, "top_logprobs": top, **self._limits(1)}

    def writing(self, *, max_tokens: int, schema: Schema | None) -> Sequence[Options]:
        plain = {"temperature": 0.0, **self._limits(max_tokens)}
        if schema is None or self._responses:
            return [plain]
        named = {"name": "answer", "strict": True, "schema": dict(schema)}
        formats = ({"type": "json_schema", "json_schema": named}, {"type": "json_object", "schema": dict(schema)})
        return [*({"temperature": 0.0, **self._limits(max_tokens, response_format=form)} for form in formats), plain]

    @property
    def takes_variables(self) -> bool:
        """Whether the server may be one that hands variables to a chat template."""
        return not (self._vendor or self._responses)

    def guarding(self, *, max_tokens: int, top: int | None, variables: Mapping[str, Any]) -> Options:
        """Ask for a greedy answer, what the chat template takes in the request's body, and, with `top`, the likeliest
        words in every place."""
        likeliest = {} if top is None else {"logprobs": True, "top_logprobs": top}
        body = {"chat_template_kwargs": dict(variables)} if variables else {}
        return {"temperature": 0.0, **likeliest, **self._limits(max_tokens, **body)}

    def bound(self, options: Options) -> Runnable[LanguageModelInput, AIMessage]:
        return self._model.bind(**options)

    def drafter(
        self,
        options: Options,
        *,
        tools: Tools | None = None,
        form: Form | None = None,
        way: int = 0,
        streamed: bool = True,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        told = {key: value for key, value in options.items() if streamed or key != "stream_usage"}
        if form is not None and self._responses:
            raise ModelUnable("a form is not asked of the Responses API here", asked="form")
        if form is not None:  # past LangChain, which would parse what it knows of
            told["extra_body"] = {
                **told.get("extra_body", {}),
                "response_format": (response_format, json_object)[way](form),
            }
        if tools is None:
            return self._model.bind(**told)
        return self._model.bind_tools(offered(tools), **binding(tools, always=True), **told)

    def _timeout(self, seconds: float) -> Any:
        """The client's own timeout, with so many seconds for one read at most; `None` where it has fewer."""
        own = getattr(getattr(self._model, "root_client", None), "timeout", None)
        if isinstance(own, int | float) or own is None:
            return seconds if own is None or seconds < own else None
        parts = own.as_dict()  # httpx's
        read = parts["read"]
        return type(own)(**{**parts, "read": seconds}) if read is None or seconds < read else None

    def _limits(self, max_tokens: int | None, **body: Any) -> dict[str, Any]:
        """The bound on the answer, and what has to go into the request's body past LangChain and its client.

        ChatOpenAI renames `max_tokens` to `max_completion_tokens`, which many compatible servers ignore without a
        word, and would write on without a bound. A `response_format` that it knows of, it also parses, and loses
        an answer that was cut short.
        """
        options: dict[str, Any] = {}
        if max_tokens is not None:
            (options if self._vendor or self._responses else body)["max_tokens"] = max_tokens
        if body:
            options["extra_body"] = {**(getattr(self._model, "extra_body", None) or {}), **body}
        return options
