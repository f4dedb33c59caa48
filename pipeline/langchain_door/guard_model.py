"""A guard model on an OpenAI-compatible server that renders the template of the model's own file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from critics import GuardAnswer, GuardPrompt, ModelError, Place, Usage, spelt
from pipeline.errors import ModelRefused, SettingsError
from pipeline.langchain_door.dialects import dialect_of
from pipeline.langchain_door.dialects.open_ai import OpenAi
from pipeline.langchain_door.faults import about_the_request, refusals_of, translated
from pipeline.langchain_door.label import label_of, secrets_of
from pipeline.langchain_door.logprobs import likeliest_at
from pipeline.langchain_door.messages import finish_of, text_of, to_langchain, usage_of
from pipeline.langchain_door.meter import at_most, at_most_prompt, estimate, estimate_prompt
from pipeline.langchain_door.quiet import quietly
from pipeline.langchain_door.retry import Retries, retried

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

_TOPS = (20, 5, None)  # OpenAI gives 20 likeliest words at most, some servers 5, some none


class ChatGuardModel:
    """Sends the bare messages, and what else the template takes as `chat_template_kwargs` (llama-server, vLLM).

    What a server turned out not to take of log probabilities is remembered. `context` is in tokens. A call that failed
    is made again, `tries` times in all. Raises `SettingsError` for a model that is not behind such a server.
    """

    def __init__(self, model: BaseChatModel, *, name: str, context: int | None = None, tries: int = 3) -> None:
        dialect = dialect_of(model)
        if not isinstance(dialect, OpenAi) or not dialect.takes_variables:
            raise SettingsError(
                f"the guard model {name} cannot be handed its template's variables: name a GGUF file, or openai:NAME "
                "with the base_url of llama-server or vLLM"
            )
        self._dialect = dialect
        self._label = label_of(name, dialect.place)
        self._secrets = secrets_of(model)
        self._retries = Retries(attempts=tries)
        self._tops: tuple[int | None, ...] = _TOPS
        self.name = name
        self.context = context

    def count(self, prompt: GuardPrompt) -> int:
        """From above for the messages; what the server's template puts around them is not known here."""
        return at_most_prompt(prompt.messages, tokens=self._dialect.tokens) + _TEMPLATE_TOKENS

    def tokens(self, text: str) -> int:
        return at_most(text)

    def read(self, prompts: Sequence[GuardPrompt], words: Sequence[str]) -> list[GuardAnswer]:
        """One call a prompt. Raises `ModelFault`."""
        return [self._first(prompt, words) for prompt in prompts]

    def write(
        self, prompts: Sequence[GuardPrompt], words: Sequence[str], place: Place, *, max_tokens: int
    ) -> list[GuardAnswer]:
        """One call a prompt. Raises `ModelFault`."""
        return [self._written(prompt, words, place, max_tokens) for prompt in prompts]

    def _first(self, prompt: GuardPrompt, words: Sequence[str]) -> GuardAnswer:
        reply = self._ask(prompt, max_tokens=1)
        return GuardAnswer(mass=_mass(reply, words, "", 0), usage=_cost(prompt, reply))

    def _written(self, prompt: GuardPrompt, words: Sequence[str], place: Place, max_tokens: int) -> GuardAnswer:
        reply = self._ask(prompt, max_tokens=max_tokens)
        text = text_of(reply)
        found = place(text)
        mass = None if found is None else _mass(reply, words, text, found)
        return GuardAnswer(text, finish_of(reply) != "length", mass, _cost(prompt, reply))

    def _ask(self, prompt: GuardPrompt, *, max_tokens: int) -> AIMessage:
        for top in self._tops:
            try:
                reply = self._call(prompt, max_tokens, top)
            except ModelRefused as refusal:
                if top is None or not about_the_request(refusal):
                    raise
            else:
                self._tops = self._tops[self._tops.index(top) :]
                return reply
        raise AssertionError("unreachable: the last way returns or raises")

    def _call(self, prompt: GuardPrompt, max_tokens: int, top: int | None) -> AIMessage:
        options = self._dialect.guarding(max_tokens=max_tokens, top=top, variables=prompt.variables)
        bound, messages = self._dialect.bound(options), to_langchain(prompt.messages)

        def call() -> AIMessage:
            with (
                refusals_of("logprobs" if top is not None else ""),
                translated(self._label, secrets=self._secrets),
            ):
                return bound.invoke(messages, quietly())

        return retried(call, self._retries)


_TEMPLATE_TOKENS = 1200
"""About what the longest of the published templates, with all its policies, puts around a conversation."""


def _mass(reply: AIMessage, words: Sequence[str], text: str, place: int) -> Mapping[str, float] | None:
    """What each word had of the probability where `text[place]` was written; `None` where the reply does not tell."""
    try:
        likeliest = likeliest_at(reply.response_metadata.get("logprobs"), text, place)
    except ModelError:
        return None
    mass = dict.fromkeys(words, 0.0)
    for token, share in likeliest:
        if word := spelt(token, words):
            mass[word] += share
    return mass


def _cost(prompt: GuardPrompt, reply: AIMessage) -> Usage:
    return usage_of(reply) or Usage(estimate_prompt(prompt.messages), estimate(text_of(reply)))
