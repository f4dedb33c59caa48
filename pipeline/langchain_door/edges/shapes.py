"""The shapes of what Runnables take and give: where in them the prompt, the advice and the answer are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue, StringPromptValue
from langchain_core.runnables import Runnable, RunnableBinding

from critics import Message, Source, Usage
from pipeline.errors import BadInput
from pipeline.langchain_door.edges.redrafting import Spoken
from pipeline.langchain_door.edges.spoken import Mend, released, said, with_text
from pipeline.langchain_door.edges.telling import telling
from pipeline.langchain_door.edges.turns import judged_conversation, judged_turns, sources_of
from pipeline.langchain_door.messages import finish_of, to_langchain, usage_of

_ASKED = ("messages", "input", "question", "query", "prompt")
_HISTORY = ("chat_history", "history")
_ANSWERS = ("answer", "output", "output_text", "result", "text", "response")
_DOCUMENTS = ("context", "documents", "source_documents")


def takes_messages(runnable: Runnable[Any, Any]) -> bool:
    """Whether it is a chat model, also one with bound options, which takes messages wherever it takes a text."""
    while isinstance(runnable, RunnableBinding):
        runnable = runnable.bound
    return isinstance(runnable, BaseLanguageModel)


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
        shown = str(self.input) if prompt is None else prompt
        asked = Message("user", shown if shown.strip() else "…")
        return (*judged_turns(self._history), asked)

    @property
    def _history(self) -> list[BaseMessage]:
        found = [self.input[name] for name in _HISTORY if name in self.input] if isinstance(self.input, dict) else []
        return [message for turns in found if _are_messages(turns) for message in convert_to_messages(turns)]

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

    @property
    def _prompt(self) -> str | list[BaseMessage] | None:
        found = self.input[self.key] if self.key is not None else self.input
        if isinstance(found, StringPromptValue):
            return found.text
        if isinstance(found, PromptValue):
            return found.to_messages()
        if isinstance(found, BaseMessage):
            return [found]
        if _are_messages(found):
            return convert_to_messages(found)
        return found if isinstance(found, str) else None


@dataclass(frozen=True)
class Answered:
    """An output: a text, a message, or a mapping that has an answer under `key`, or messages."""

    output: Any
    key: str | None
    messages: tuple[AIMessage, ...]
    """What is judged, also where it is a mere text."""

    @classmethod
    def of(cls, output: Any, key: str | None) -> Answered:
        """Find the answer in it. Raises `BadInput` where there is none: what cannot be judged is not released."""
        place = _place(output, key) if isinstance(output, dict) else None
        found = output if place is None else output[place]
        if isinstance(found, str):
            return cls(output, place, (AIMessage(found),))
        if isinstance(found, AIMessage):
            return cls(output, place, (found,))
        if isinstance(found, list) and (spoken := _since_the_last_user(found)):
            return cls(output, place, tuple(spoken))
        raise BadInput(
            f"there is no answer to judge in {type(found).__name__}: it must be a text, a message by the model, or a "
            "mapping with one (name its key as `output_key`)"
        )

    @property
    def spoken(self) -> Spoken:
        """What is to be judged."""
        usage = sum((usage_of(message) or Usage() for message in self.messages), Usage())
        return Spoken(said(self.messages), usage, finish_of(self.messages[-1]) or "stop", self._sources)

    def released(self, passed: str, mend: Mend, told: dict[str, Any]) -> Any | None:
        """The output as what passed, or `None` where it cannot be made to say that."""
        messages = released(self.messages, passed, mend)
        if messages is None:
            return None
        *before, last = messages
        new = {id(old): new for old, new in zip(self.messages, [*before, telling(last, told)], strict=True)}
        found = self._found
        if isinstance(found, str):
            return self._with(str(last.text))
        return self._with([new.get(id(m), m) for m in found] if isinstance(found, list) else new[id(found)])

    def refused(self, refusal: str, told: dict[str, Any]) -> Any:
        """The output with the refusal in place of the answer, and of all that led to it."""
        found = self._found
        if isinstance(found, str):
            return self._with(refusal)
        silent = with_text(self.messages[-1], refusal).model_copy(update={"tool_calls": [], "invalid_tool_calls": []})
        if not isinstance(found, list):
            return self._with(telling(silent, told))
        begun = next(index for index, message in enumerate(found) if message is self.messages[0])
        return self._with([*found[:begun], telling(silent, told)])

    @property
    def _found(self) -> Any:
        return self.output if self.key is None else self.output[self.key]

    def _with(self, new: Any) -> Any:
        return new if self.key is None else {**self.output, self.key: new}

    @property
    def _sources(self) -> tuple[Source, ...]:
        if not isinstance(self.output, dict):
            return ()
        found = [self.output[key] for key in _DOCUMENTS if key in self.output]
        return sources_of(
            [item for value in found if isinstance(value, list) for item in value if isinstance(item, Document)]
        )


def _key(given: dict[str, Any], key: str | None) -> str | None:
    if key is not None:
        if key not in given:
            raise BadInput(f"the input has no {key!r}, which is named as `input_key`")
        return key
    named = [name for name in _ASKED if isinstance(given.get(name), str | list | tuple | BaseMessage | PromptValue)]
    texts = [name for name, value in given.items() if isinstance(value, str)]
    return named[0] if named else texts[0] if len(texts) == 1 else None


def _place(output: dict[str, Any], key: str | None) -> str:
    if key is not None:
        if key not in output:
            raise BadInput(f"the output has no {key!r}, which is named as `output_key`")
        return key
    known = [name for name in (*_ANSWERS, "messages") if isinstance(output.get(name), str | list | AIMessage)]
    if not known:
        raise BadInput(f"it is not known which of {', '.join(map(repr, output))} is the answer: name it, `output_key`")
    return known[0]


def _are_messages(found: Any) -> bool:
    """Whether it is a list of messages in one of the forms that LangChain takes, a mere list of texts left out."""
    return (
        isinstance(found, list | tuple)
        and bool(found)
        and all(
            isinstance(item, BaseMessage)
            or (isinstance(item, tuple) and len(item) == 2 and all(isinstance(word, str) for word in item))
            or (isinstance(item, dict) and "role" in item)
            for item in found
        )
    )


def _since_the_last_user(messages: list[Any]) -> list[AIMessage]:
    after: list[AIMessage] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            after = []
        elif isinstance(message, AIMessage):
            after.append(message)
    return after
