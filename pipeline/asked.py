"""What a pipeline is handed from Python, looked at before any work is done with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from critics import Message, Source
from pipeline.errors import BadInput

T = TypeVar("T")


def turns_of(prompt: object) -> tuple[Message, ...]:
    """A conversation, of which a text is the user's turn. Raises `BadInput` for what is none."""
    return (Message("user", prompt),) if isinstance(prompt, str) else _each(prompt, Message, "a conversation")


def asked_in(prompt: object) -> tuple[Message, ...]:
    """A conversation with something to answer at its end. Raises `BadInput`."""
    turns = turns_of(prompt)
    if not turns or not (turns[-1].content.strip() or turns[-1].role == "tool"):
        raise BadInput("the prompt is empty")
    if turns[-1].role not in ("user", "tool"):
        raise BadInput(
            "a conversation must end with the user's turn, or with what a tool gave; what the model says is judged as "
            "the response"
        )
    return turns


def sources_of(context: object) -> tuple[Source, ...]:
    """Raises `BadInput` for what is no source."""
    return _each(context, Source, "`context`")


def _each(given: object, kind: type[T], what: str) -> tuple[T, ...]:
    """One by itself is a list of one."""
    items: tuple[object, ...]
    items = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if strange := [item for item in items if not isinstance(item, kind)]:
        raise BadInput(f"{what} is a list of critics.{kind.__name__}, and there is a {type(strange[0]).__name__}")
    return tuple(item for item in items if isinstance(item, kind))
