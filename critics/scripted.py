"""A critic and a judge's model that say what they were told to: for tests, here and in other people's projects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from critics.errors import ModelError
from critics.exchange import Exchange, Message
from critics.finding import Finding, Usage
from critics.guard.model import GuardAnswer, GuardPrompt, Place
from critics.judge.model import NoLogProbabilities, Prompt, Reading, Written
from critics.manifesto.schema import Rule

T = TypeVar("T")
Opinion = Callable[[str, Rule], float | None]


class ScriptedCritic:
    """Judges by a function of the draft and the rule, and remembers every exchange that it was shown."""

    def __init__(self, opinion: Opinion, *, name: str = "scripted", critique: str = "scripted") -> None:
        self._opinion = opinion
        self._name = name
        self._critique = critique
        self.seen: list[Exchange] = []

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        self.seen.append(exchange)
        return [
            Finding(rule.id, self._name, self._opinion(exchange.judged, rule), self._critique, usage=Usage(1, 0))
            for rule in rules
        ]


class ScriptedJudgeModel:
    """A judge's model that answers from a script, one entry a prompt; an exception among the entries is raised.

    `readings` are masses by choice, `writings` what it writes. With no readings it has no log-probabilities. `prefills`
    lets its answers be begun for it.
    """

    name = "scripted"

    def __init__(
        self,
        *,
        readings: Iterable[Mapping[str, float] | ModelError] | None = None,
        writings: Iterable[str | ModelError] = (),
        context: int | None = None,
        prefills: bool = False,
    ) -> None:
        self._readings = None if readings is None else iter(readings)
        self._writings = iter(writings)
        self.context = context
        self.prefills = prefills
        self.prompts: list[tuple[Message, ...]] = []

    def count(self, prompt: Prompt) -> int:
        return sum(len(message.content.split()) for message in prompt)

    def choose(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> list[Reading]:  # noqa: ARG002
        if self._readings is None:
            raise NoLogProbabilities("scripted without readings")
        given = []
        for prompt in prompts:
            self.prompts.append(tuple(prompt))
            given.append(Reading(_raised(next(self._readings)), Usage(self.count(prompt), 0)))
        return given

    def write(self, prompt: Prompt, *, max_tokens: int, schema: Mapping[str, Any] | None = None) -> Written:  # noqa: ARG002
        self.prompts.append(tuple(prompt))
        text = _raised(next(self._writings, ""))
        return Written(text, Usage(self.count(prompt), len(text.split())))


def _raised(entry: T | ModelError) -> T:
    if isinstance(entry, ModelError):
        raise entry
    return entry


class ScriptedGuardModel:
    """A guard model that answers from a script, one entry a prompt; an exception among the entries is raised.

    `readings` are what it gives as first words, by default nothing, so that it is asked to write.
    """

    name = "scripted"

    def __init__(
        self,
        writings: Iterable[GuardAnswer | ModelError] = (),
        *,
        readings: Iterable[GuardAnswer | ModelError] = (),
        context: int | None = None,
    ) -> None:
        self._writings = iter(writings)
        self._readings = iter(readings)
        self.context = context
        self.prompts: list[GuardPrompt] = []

    def count(self, prompt: GuardPrompt) -> int:
        return sum(self.tokens(message.content) for message in prompt.messages)

    def tokens(self, text: str) -> int:
        return len(text.split())

    def read(self, prompts: Sequence[GuardPrompt], words: Sequence[str]) -> list[GuardAnswer]:  # noqa: ARG002
        return [_raised(next(self._readings, GuardAnswer())) for _ in prompts]

    def write(
        self,
        prompts: Sequence[GuardPrompt],
        words: Sequence[str],  # noqa: ARG002
        place: Place,  # noqa: ARG002
        *,
        max_tokens: int,  # noqa: ARG002
    ) -> list[GuardAnswer]:
        self.prompts += prompts
        return [_raised(next(self._writings, GuardAnswer())) for _ in prompts]
