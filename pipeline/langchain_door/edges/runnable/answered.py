"""What a Runnable gave: where in it the answer is, and what is put in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, message_chunk_to_message
from langchain_core.prompt_values import PromptValue

from critics import Message, Source, Usage
from pipeline.errors import BadInput
from pipeline.langchain_door.edges.redrafting import Spoken
from pipeline.langchain_door.edges.spoken import Mend, released, said, with_text
from pipeline.langchain_door.edges.telling import telling
from pipeline.langchain_door.edges.turns import as_message, as_messages, sources_of
from pipeline.langchain_door.messages import finish_of, usage_of

_ANSWERS = ("answer", "output", "output_text", "result", "text", "response")
_DOCUMENTS = ("context", "documents", "source_documents")

_Words = tuple[str, str, str]
"""Of a message: whose it is, what it says, and what it calls."""


@dataclass(frozen=True)
class Answered:
    """An output: a text, a message, or a mapping that has an answer under `key`, or messages."""

    output: Any
    key: str | None
    messages: tuple[AIMessage, ...]
    """What is judged, also where it is a mere text."""
    before: tuple[BaseMessage, ...] | None = ()
    """Of messages, those before them that were there before anything was asked; `None` where that cannot be told."""
    given: Any = None
    """What was asked, of which a mapping may have parts in the output."""

    @classmethod
    def of(
        cls,
        output: Any,
        key: str | None,
        turns: Sequence[Message] = (),
        given: Any = None,
    ) -> Answered:
        """Find the answer in it, after these turns were added to what was asked, `given`.

        Raises `BadInput` where there is none: what cannot be judged is not released.
        """
        place = _place(output, key) if isinstance(output, dict) else None
        found = output if place is None else output[place]
        if isinstance(found, str):
            return cls(output, place, (AIMessage(found),), given=given)
        if isinstance(found, AIMessage):
            return cls(output, place, (found,), given=given)
        # However they are written: what is handed on is what was read.
        messages = as_messages(found, texts=True) if isinstance(found, list) else None
        if messages and (spoken := _since_the_last_user(messages)):
            before = messages[: _index(messages, spoken[0])]
            whole = messages if place is None else {**output, place: messages}
            return cls(whole, place, tuple(spoken), _without(before, turns, given), given)
        raise BadInput(
            f"there is no answer to judge in {type(found).__name__}: it must be a text, a message by the model, or a "
            "mapping with one (name its key as `output_key`)"
        )

    @property
    def spoken(self) -> Spoken:
        """What is to be judged."""
        usage = sum((usage_of(message) or Usage() for message in self.messages), Usage())
        return Spoken(said(self.messages), usage, finish_of(self.messages[-1]) or "stop", self._sources)

    def released(self, passed: str, mend: Mend, told: dict[str, Any], beside: Sequence[AIMessage] = ()) -> Any | None:
        """The output as what passed, or `None` where it cannot be made to say that, and nothing of what failed. What
        the messages `beside` it cost is told with it."""
        messages = released(self.messages, passed, mend)
        if messages is None or self.before is None:
            return None
        if passed != said(self.messages) and self._beside:
            return None  # what was mended may stand there once more, as it was
        *earlier, last = messages
        new = {id(old): new for old, new in zip(self.messages, [*earlier, telling(last, told, beside)], strict=True)}
        found = self._found
        if isinstance(found, str):
            return self._with(str(last.text))
        if not isinstance(found, list):
            return self._with(new[id(found)])
        after = found[_index(found, self.messages[0]) :]
        return self._with([*self.before, *(new.get(id(message), message) for message in after)])

    def refused(self, refusal: str, told: dict[str, Any], beside: Sequence[AIMessage] = ()) -> Any:
        """The output with the refusal in place of the answer, and of all that led to it, with what all that cost."""
        found = self._found
        if isinstance(found, str):
            return self._alone(refusal)
        silent = telling(with_text(self.messages[-1], refusal), told, [*self.messages[:-1], *beside])
        return self._alone([*(self.before or ()), silent] if isinstance(found, list) else silent)

    @property
    def _found(self) -> Any:
        return self.output if self.key is None else self.output[self.key]

    def _with(self, new: Any) -> Any:
        return new if self.key is None else {**self.output, self.key: new}

    def _alone(self, new: Any) -> Any:
        """Without what else was made of the answer, or on the way to it."""
        if self.key is None:
            return new
        return {key: new if key == self.key else value for key, value in self.output.items() if key not in self._beside}

    @property
    def _beside(self) -> list[str]:
        """The keys of an output that are neither the answer's, nor what was asked, nor documents, nor mere numbers."""
        if self.key is None:
            return []
        given = self.given if isinstance(self.given, dict) else {}
        known = {self.key, *_DOCUMENTS, *(key for key in given if _same(self.output.get(key), given[key]))}
        return [
            key for key, value in self.output.items() if key not in known and not isinstance(value, int | float | None)
        ]

    @property
    def _sources(self) -> tuple[Source, ...]:
        if not isinstance(self.output, dict):
            return ()
        found = [self.output[key] for key in _DOCUMENTS if key in self.output]
        items = [item for value in found for item in (value if isinstance(value, list | tuple) else (value,))]
        return sources_of([item for item in items if isinstance(item, Document)])


def _place(output: dict[str, Any], key: str | None) -> str:
    if key is not None:
        if key not in output:
            raise BadInput(f"the output has no {key!r}, which is named as `output_key`")
        return key
    known = [name for name in (*_ANSWERS, "messages") if isinstance(output.get(name), str | list | AIMessage)]
    if not known:
        raise BadInput(f"it is not known which of {', '.join(map(repr, output))} is the answer: name it, `output_key`")
    return known[0]


def _since_the_last_user(messages: list[BaseMessage]) -> list[AIMessage]:
    after: list[AIMessage] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            after = []
        elif isinstance(message, AIMessage):
            after.append(message)
    return after


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # noqa: BLE001  # arrays, for instance, have no one answer
        return False


def _index(messages: list[Any], one: BaseMessage) -> int:
    return next(index for index, message in enumerate(messages) if message is one)


def _without(before: list[BaseMessage], turns: Sequence[Message], given: Any) -> tuple[BaseMessage, ...] | None:
    """The messages without the failed drafts and advice at their end, which nobody is to be shown. Where the model said
    something before that was not in what is `given`, it is from a memory of the runnable's own, which may have failed
    drafts, advice and what tools gave at other calls: then only what is given is left."""
    kept = list(before)
    for turn in reversed(turns):
        if kept and kept[-1].text == turn.content:
            kept.pop()
    known = Counter(map(_words, _messages(given)))
    if any(isinstance(message, AIMessage) and _words(message) not in known for message in kept):
        kept = _last_of(known, kept)
    failed = {turn.content for turn in turns}
    return None if turns and any(message.text in failed for message in kept) else tuple(kept)


def _messages(given: Any) -> Iterator[BaseMessage]:
    """All messages that an input has, a text as the user's."""
    for part in given.values() if isinstance(given, dict) else (given,):
        found = part.to_messages() if isinstance(part, PromptValue) else part
        one = isinstance(found, str) or as_message(found) is not None
        yield from as_messages([found] if one else found, texts=True) or ()


def _last_of(known: Counter[_Words], messages: list[BaseMessage]) -> list[BaseMessage]:
    """Those that are known, as often as they are: each failed draft of a graph that remembers has them before it."""
    found: list[BaseMessage] = []
    for message in reversed(messages):
        if known[_words(message)]:
            known[_words(message)] -= 1
            found.insert(0, message)
    return found


def _words(message: BaseMessage) -> _Words:
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    role = message_chunk_to_message(message).type  # one that is summed up from a stream is the same
    return role, message.text, str([(call["name"], call["args"]) for call in calls])
