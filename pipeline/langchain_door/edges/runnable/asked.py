"""What a Runnable is asked: where in it the prompt is, and where advice may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel, BaseLanguageModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue, StringPromptValue
from langchain_core.runnables import Runnable, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.configurable import DynamicRunnable

from critics import Message
from pipeline.errors import BadInput
from pipeline.langchain_door.edges.turns import as_message, as_messages, judged_conversation, judged_turns
from pipeline.langchain_door.messages import to_langchain
from pipeline.structured import leaves

_ASKED = ("messages", "input", "question", "query", "prompt")
_HISTORY = ("chat_history", "history")


def takes_messages(runnable: Runnable[Any, Any]) -> bool:
    """Whether it is a model, which takes messages wherever it takes a text."""
    return isinstance(_bare(runnable), BaseLanguageModel)


def gives_messages(runnable: Runnable[Any, Any]) -> bool:
    """Whether it is a chat model, whose answer is a message."""
    return isinstance(_bare(runnable), BaseChatModel)


def _bare(runnable: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """What is called in the end: without bound options, retries, fallbacks and what can be configured."""
    match runnable:
        case RunnableBindingBase(bound=inner) | RunnableWithFallbacks(runnable=inner) | DynamicRunnable(default=inner):
            return _bare(inner)
    return runnable


@dataclass(frozen=True)
class Asked:
    """An input: a text, messages, a prompt value, or a mapping that has one of these under `key`."""

    input: Any
    key: str | None
    messages: bool
    """Whether the turns of a revision may be added to it as messages, also to a text."""

    @classmethod
    def of(cls, runnable: Runnable[Any, Any], given: Any, key: str | None) -> Asked:
        """Find the prompt in it. `key` names its place in a mapping; else it is the one that is called as prompts
        usually are, or the only text."""
        return cls(given, _key(given, key) if isinstance(given, dict) else None, takes_messages(runnable))

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What critics are told of it."""
        prompt = self._prompt
        if isinstance(prompt, list):
            return judged_conversation([*self._history, *prompt])
        shown = "\n".join(leaves(self.input)) if prompt is None else prompt
        asked = Message("user", shown if shown.strip() else "…")
        return (*judged_turns(self._history), asked)

    @property
    def _history(self) -> list[BaseMessage]:
        found = [self.input[name] for name in _HISTORY if name in self.input] if isinstance(self.input, dict) else []
        return [message for turns in found for message in as_messages(turns) or ()]

    @property
    def revisable(self) -> bool:
        """Whether there is a place for advice."""
        return self._prompt is not None

    def advised(self, turns: Sequence[Message]) -> Any:
        """The input with these turns added: as messages, or to a text the last one, which says what to change."""
        prompt = self._prompt
        if not turns or prompt is None:
            return self.input
        new: Any
        if isinstance(prompt, str) and not self.messages:
            new = f"{prompt}\n\n{turns[-1].content}"
        else:
            begun = [HumanMessage(prompt)] if isinstance(prompt, str) else prompt
            new = [*begun, *to_langchain(turns)]
        return new if self.key is None else {**self.input, self.key: new}

    def restored(self, output: Any, advised: Any) -> Any:
        """A mapping that gives back what it was asked, as it was before advice was added."""
        if advised is self.input or not (isinstance(output, dict) and isinstance(self.input, dict)):
            return output
        assert self.key is not None  # there is no other place for advice in a mapping
        return {name: self.input[self.key] if value is advised[self.key] else value for name, value in output.items()}

    @property
    def _prompt(self) -> str | list[BaseMessage] | None:
        found = self.input[self.key] if self.key is not None else self.input
        if isinstance(found, StringPromptValue):
            return found.text
        if isinstance(found, PromptValue):
            return found.to_messages()
        if isinstance(found, str):
            return found
        spoken = self.key == "messages"
        if isinstance(found, BaseMessage) or (spoken and not isinstance(found, list) and as_message(found) is not None):
            found = [found]
        return as_messages(found, texts=spoken or self.messages)


def _key(given: dict[str, Any], key: str | None) -> str | None:
    if key is not None:
        if key not in given:
            raise BadInput(f"the input has no {key!r}, which is named as `input_key`")
        return key
    named = [name for name in _ASKED if isinstance(given.get(name), str | list | tuple | BaseMessage | PromptValue)]
    texts = [name for name, value in given.items() if isinstance(value, str)]
    return named[0] if named else texts[0] if len(texts) == 1 else None
