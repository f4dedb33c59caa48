"""What a Runnable gave: where in it the answer is, and what is put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from critics import Message, Source, Usage
from pipeline.errors import BadInput
from pipeline.langchain_door.edges.redrafting import Spoken
from pipeline.langchain_door.edges.spoken import Mend, released, said, with_text
from pipeline.langchain_door.edges.telling import telling
from pipeline.langchain_door.edges.turns import as_messages, judged_turns, sources_of
from pipeline.langchain_door.messages import finish_of, usage_of

_ANSWERS = ("answer", "output", "output_text", "result", "text", "response")
_DOCUMENTS = ("context", "documents", "source_documents")


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
        conversation: Sequence[Message] = (),
    ) -> Answered:
        """Find the answer in it, after these turns were added to what was asked, `given`, which is a conversation.

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
            return cls(whole, place, tuple(spoken), _without(before, turns, conversation), given)
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
        return sources_of(
            [item for value in found if isinstance(value, list) for item in value if isinstance(item, Document)]
        )


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


def _without(
    before: list[BaseMessage], turns: Sequence[Message], conversation: Sequence[Message]
) -> tuple[BaseMessage, ...] | None:
    """The messages without the failed drafts and advice at their end, which nobody is to be shown, and without what a
    memory of its own has from other calls: nobody here knows whether that passed."""
    kept = list(before)
    for turn in reversed(turns):
        if kept and kept[-1].text == turn.content:
            kept.pop()
    others = [isinstance(message, AIMessage) and judged_turns([message])[0] not in conversation for message in kept]
    kept = kept[max((place for place, other in enumerate(others, 1) if other), default=0) :]
    failed = {turn.content for turn in turns}
    return None if turns and any(message.text in failed for message in kept) else tuple(kept)
