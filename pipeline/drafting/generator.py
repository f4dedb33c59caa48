"""The seam to whatever drafts: a generator is one call."""

from __future__ import annotations

import collections.abc
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal, Protocol

from critics import Message, ToolCall, Usage
from pipeline.drafting.wanted import Form, Tools
from pipeline.errors import BadInput

Finish = Literal["stop", "length", "vetoed", "stopped"]
"""Why a draft ends. The last two are the loop's words, where it stopped the draft: at a veto, or, of an answer that is
shown while it is written, at a part that did not pass."""
Pieces = collections.abc.Generator["Piece", None, None]
"""A draft as it grows. Closing it stops the work."""


@dataclass(frozen=True)
class DraftOptions:
    """What a caller asks of the drafts of one call; what is `None` is the generator's own.

    `max_tokens` bounds each draft, what it continues from included; the generator's own bound holds as well. A draft
    ends before the first of the strings in `stop`, or before the one that it is. It may call `tools`, and with a `form`
    it is JSON; a generator that cannot do that raises `ModelUnable`. Raises `BadInput` for what is no number, or
    no text in `stop`: in an engine that all share, it would break what everybody else is writing.
    """

    max_tokens: int | None = None
    stop: Sequence[str] = ()
    temperature: float | None = None
    top_p: float | None = None
    tools: Tools | None = None
    form: Form | None = None

    def __post_init__(self) -> None:
        # One stop string by itself is a sequence as well, of letters that are none.
        asked: Any = self.stop
        alone = isinstance(asked, str) or not isinstance(asked, Iterable)
        stop = () if asked is None else (asked,) if alone else tuple(asked)
        if not all(isinstance(end, str) for end in stop):
            raise BadInput(f"`stop` is a text or a list of texts, not {asked!r}")
        object.__setattr__(self, "stop", stop)
        for name in ("max_tokens", "temperature", "top_p"):
            if not isinstance(value := getattr(self, name), Real | None):
                raise BadInput(f"`{name}` is a number, not {value!r}")


@dataclass(frozen=True)
class DraftRequest:
    """What to draft: the whole conversation, with earlier drafts and advice already among its turns.

    `continues` is the beginning of the assistant's turn, to be gone on from and not repeated; only a generator
    whose `can_continue` is true is given one. `max_tokens` is what is left of the budget, and bounds what is written.
    Once `stop` is set nobody wants the draft any more, nor after `deadline`, by `time.monotonic`: who says nothing then
    is left behind, and should look at `time_left` while it waits. A draft that is `followed` is read by a critic as it
    grows.
    """

    messages: tuple[Message, ...]
    seed: int
    continues: str = ""
    max_tokens: int | None = None
    options: DraftOptions = DraftOptions()
    stop: threading.Event | None = field(default=None, compare=False, repr=False)
    followed: bool = field(default=False, compare=False)
    deadline: float | None = field(default=None, compare=False)

    @property
    def time_left(self) -> float | None:
        """Seconds for which the draft is still waited for, 0 when they are over; `None` where nothing limits it."""
        if self.stop is not None and self.stop.is_set():
            return 0.0
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True)
class Piece:
    """Some more of a draft. `usage` counts what this piece cost, so that a draft cut short is still accounted for.

    Tool calls come whole, each once; what its arguments are before they are whole is nothing to judge.
    """

    text: str
    usage: Usage = Usage()
    finish: Finish | None = None
    calls: tuple[ToolCall, ...] = ()


class Generator(Protocol):
    """Draft an answer, piece by piece. Raises `ModelFault`."""

    @property
    def name(self) -> str: ...

    @property
    def can_continue(self) -> bool: ...

    def __call__(self, request: DraftRequest) -> Pieces: ...
