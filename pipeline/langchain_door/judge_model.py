"""A LangChain chat model as the model behind a judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from critics import NoLogProbabilities, Prompt, Reading, Usage, Written, time_left
from pipeline.errors import ModelRefused
from pipeline.langchain_door.dialects import GrammarOf, dialect_of
from pipeline.langchain_door.dialects.dialect import Options
from pipeline.langchain_door.faults import about_the_request, refusals_of, translated
from pipeline.langchain_door.label import label_of, secrets_of
from pipeline.langchain_door.logprobs import masses
from pipeline.langchain_door.messages import text_of, to_langchain, usage_of
from pipeline.langchain_door.meter import at_most_prompt, estimate, estimate_prompt
from pipeline.langchain_door.quiet import quietly
from pipeline.langchain_door.retry import Retries, retried
from pipeline.langchain_door.turn import turn

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

_TOPS = (20, 5)  # OpenAI gives 20 likeliest words at most, some servers 5


class ChatJudgeModel:
    """Reads choices from a chat model's log probabilities, and lets it write verdicts.

    What a server turned out not to take is remembered, and not asked for again. `context` is in tokens, where the
    model does not say how many it is given. `grammar` compiles a JSON schema for models in this process. A call that
    failed is made again, `tries` times in all.
    """

    prefills = False  # few servers go on from an answer that has begun, and others begin a new one

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        context: int | None = None,
        tries: int = 3,
        grammar: GrammarOf | None = None,
    ) -> None:
        self._dialect = dialect_of(model, grammar=grammar)
        self._label = label_of(name, self._dialect.place)
        self._secrets = secrets_of(model)
        self._retries = Retries(attempts=tries)
        self._tops: tuple[int, ...] = _TOPS
        self._ways: dict[str, int] = {}
        self.name = name
        self.context = self._dialect.context or context

    def count(self, prompt: Prompt) -> int:
        """Tokens of the prompt, from above: by the model's own tokeniser where it is at hand, and else by its bytes."""
        return at_most_prompt(prompt, tokens=self._dialect.tokens)

    def choose(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> Sequence[Reading]:
        """Read each choice's probability as the first word of the answer, one call a prompt.

        Raises `NoLogProbabilities`, `Unreadable` and `ModelFault`.
        """
        return [self._read(prompt, choices) for prompt in prompts]

    def write(self, prompt: Prompt, *, max_tokens: int, schema: Mapping[str, Any] | None = None) -> Written:
        """Write greedily, bound to the schema as strictly as the server can. Raises `ModelFault`."""
        with translated(self._label, secrets=self._secrets):  # a schema may be one that no grammar can express
            ways = self._dialect.writing(max_tokens=max_tokens, schema=schema)
        key, last = json.dumps(schema, sort_keys=True), len(ways) - 1
        for way in range(min(self._ways.get(key, 0), last), last + 1):
            try:
                reply = self._ask(prompt, ways[way], "response_format" if way < last else "")
            except ModelRefused as refusal:
                if way == last or not about_the_request(refusal):
                    raise
            else:
                self._ways[key] = way
                return Written(text_of(reply), _cost(prompt, reply))
        raise AssertionError("unreachable: the last way returns or raises")

    def _read(self, prompt: Prompt, choices: Sequence[str]) -> Reading:
        reply = self._first_word(prompt)
        try:
            return Reading(masses(reply.response_metadata.get("logprobs"), choices), _cost(prompt, reply))
        except NoLogProbabilities as none:
            raise self._mute() from none

    def _first_word(self, prompt: Prompt) -> AIMessage:
        offers = [(top, options) for top in self._tops if (options := self._dialect.reading(top=top))]
        for top, options in offers:
            try:
                reply = self._ask(prompt, options, "logprobs")
            except ModelRefused as refusal:
                if not about_the_request(refusal):
                    raise
            else:
                self._tops = (top,)
                return reply
        if offers:  # Is it the parameter, or would this prompt be refused anyway? Then that refusal is raised here.
            self._ask(prompt, self._dialect.writing(max_tokens=1, schema=None)[-1])
        raise self._mute()

    def _mute(self) -> NoLogProbabilities:
        self._tops = ()
        return NoLogProbabilities(f"{self._label} gives no log probabilities: let it write its verdicts instead")

    def _ask(self, prompt: Prompt, options: Options, parameter: str = "") -> AIMessage:
        """One call, retried; a fault that names `parameter` becomes `ParameterRefused`, and is not."""
        bound, messages = self._dialect.bound(options), to_langchain(prompt)

        def call() -> AIMessage:
            with (
                turn(self._dialect.engine, self._label, patience=self._retries.within(time_left()).timeout),
                refusals_of(parameter),
                translated(self._label, secrets=self._secrets),
            ):
                return bound.invoke(messages, quietly())

        return retried(call, self._retries)


def _cost(prompt: Prompt, reply: AIMessage) -> Usage:
    return usage_of(reply) or Usage(estimate_prompt(prompt), estimate(text_of(reply)))
