"""A conversation with tools, as critics hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from critics import Exchange, Message, Source
from pipeline.spelling import spelled


def heard(exchange: Exchange) -> Exchange:
    """The exchange up to the last turn of the user's, with calls written out; what tools gave is a source of the draft
    and no turn of anybody's. One without tools is left as it is."""
    turns = exchange.conversation
    if not has_tools(turns):
        return exchange
    said = [_written_out(turn) for turn in turns if turn.role != "tool"]
    last = max((index for index, turn in enumerate(said) if turn.role == "user"), default=-1)
    conversation = tuple(said[: last + 1]) or (Message("user", "…"),)
    return replace(exchange, conversation=conversation, sources=(*exchange.sources, *_results(turns)))


def has_tools(conversation: Sequence[Message]) -> bool:
    return any(turn.calls or turn.role == "tool" for turn in conversation)


def _written_out(turn: Message) -> Message:
    return Message(turn.role, "\n\n".join([turn.content, *map(spelled, turn.calls)]).strip()) if turn.calls else turn


def _results(turns: Sequence[Message]) -> tuple[Source, ...]:
    names = {call.id: call.name for turn in turns for call in turn.calls}
    return tuple(
        Source(turn.content, origin=names.get(turn.answers, ""), kind="tool") for turn in turns if turn.role == "tool"
    )
