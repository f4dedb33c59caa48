"""Any other chat model: what it declares as a field can be set, and nothing else is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.drafting import Form, Tools
from pipeline.errors import ModelUnable
from pipeline.given import given
from pipeline.langchain_door.calls import binding, offered
from pipeline.langchain_door.dialects.dialect import Options, Schema, short_seed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

_NAMES = {
    "seed": ("seed", "random_seed"),
    "max_tokens": ("max_tokens", "max_output_tokens", "num_predict"),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
}


class Plain:
    """Gives no log probabilities, and takes a schema only as what the prompt says of it."""

    engine: object | None = None
    forms = 1
    says_why = False
    place = ""
    context: int | None = None

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model

    def tokens(self, text: str) -> int | None:  # noqa: ARG002 (the protocol's)
        return None

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
        return None

    def writing(self, *, max_tokens: int, schema: Schema | None) -> Sequence[Options]:  # noqa: ARG002 (the protocol's)
        return [{"temperature": 0.0, "max_tokens": max_tokens}]

    def bound(self, options: Options) -> Runnable[LanguageModelInput, AIMessage]:
        return self._with(options)

    def drafter(
        self,
        options: Options,
        *,
        tools: Tools | None = None,
        form: Form | None = None,
        way: int = 0,  # noqa: ARG002 (the protocol's)
        streamed: bool = True,  # noqa: ARG002 (the protocol's)
    ) -> Runnable[LanguageModelInput, AIMessage]:
        if form is not None:
            raise ModelUnable("it is not known how this model is told of a form", asked="form")
        if tools is None:
            return self.bound(options)
        try:
            return self._with(options).bind_tools(offered(tools), **binding(tools))
        except NotImplementedError as exc:
            raise ModelUnable("this model has no tools", asked="tools") from exc

    def _with(self, options: Options) -> BaseChatModel:
        fields = type(self._model).model_fields
        names = {key: next((name for name in _NAMES[key] if name in fields), None) for key in options}
        # A copy shares the client. Integrations read their fields at each request, but many refuse other arguments.
        return self._model.model_copy(update={name: options[key] for key, name in names.items() if name})
