"""One call of the chat model: what it asks of the drafts, and when it must be over."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from critics import Source
from pipeline.drafting import DraftOptions
from pipeline.drafting.asked_options import asked_options
from pipeline.errors import BadInput
from pipeline.langchain_door.edges.chat.offering import wanted_tools
from pipeline.langchain_door.edges.telling import refuses
from pipeline.langchain_door.edges.turns import sources_of
from pipeline.loop import Answer

_KNOWN = {"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "context"}
_ABOUT_TOOLS = {"tools", "tool_choice", "parallel_tool_calls"}
_LANGCHAINS = {"stream"}  # how LangChain itself says that it streams
_ABOUT_THE_ANSWER = {"on_withheld"}


@dataclass(frozen=True)
class Call:
    """What is asked beside the messages."""

    options: DraftOptions
    seed: int | None
    context: tuple[Source, ...]

    @classmethod
    def of(cls, asked: Mapping[str, Any], *, stop: Sequence[str] | None) -> Call:
        """Read keyword arguments. Raises `BadInput` for any that would do nothing, and for an empty `stop`."""
        if odd := asked.keys() - _KNOWN - _ABOUT_TOOLS - _LANGCHAINS - _ABOUT_THE_ANSWER:
            raise BadInput(f"a moderated chat model does not take {', '.join(sorted(odd))}")
        refuses(asked.get("on_withheld", "raise"))
        options = asked_options(
            asked.get("max_tokens"),
            asked.get("max_completion_tokens"),
            stop=stop,
            temperature=asked.get("temperature"),
            top_p=asked.get("top_p"),
            tools=wanted_tools(
                asked.get("tools") or (), asked.get("tool_choice"), parallel=asked.get("parallel_tool_calls")
            ),
        )
        return cls(options, asked.get("seed"), sources_of(asked.get("context") or ()))


@contextmanager
def in_time(answer: Answer, seconds: float | None) -> Iterator[None]:
    """Cancel the answer once the seconds are over; `None` sets no limit."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, answer.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
