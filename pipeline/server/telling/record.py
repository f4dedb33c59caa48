"""What one request comes to, gathered on its way through the server."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from opentelemetry.context import Context

from critics import Message
from pipeline.loop import Outcome


@dataclass
class Record:
    """Belongs to one request and to the event loop."""

    method: str
    path: str
    id: str = field(default_factory=lambda: f"req-{uuid.uuid4().hex}")
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    key: str = ""
    model: str = ""
    stream: bool = False
    turns: tuple[Message, ...] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    first: float | None = None
    """Seconds to the first part that was given out."""
    trace: Context | None = None
    over: bool = False
    """Whether its line is in the log already."""
