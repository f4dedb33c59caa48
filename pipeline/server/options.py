"""How the server behaves: what it is handed by whoever puts the parts together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.server.door.keys import Key

Tell = Literal["off", "reduced", "full"]
"""How much a response says of what happened: nothing; what came of it and by which manifesto; or everything but drafts.
The last one teaches whoever asks the rubric, so it is for one's own machine."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Times are in seconds, sizes in bytes."""

    keys: tuple[Key, ...] = ()
    tell: Tell = "reduced"
    threads: int = 16
    """Answers under way at a time."""
    waiting: int = 64
    """Answers that may wait for their turn; more are refused."""
    deadline: float = 300.0
    """For a whole request, from its last byte on."""
    body_seconds: float = 30.0
    """For a request's body to come in."""
    body_bytes: int = 2 * 1024 * 1024
    keep_alive: float = 10.0
    """Between two signs of life on a stream that holds its answer back."""
    grace: float = 20.0
    """For requests in flight when the server is asked to end."""
    poll: float = 1.0
    """Between two looks at the manifestos' files."""
    choices: int = 8
    """The most answers to one request (`n`)."""
    inputs: int = 128
    """The most texts of one moderation."""
    log_content: bool = False
    """Whether what people and models say goes into the log."""
