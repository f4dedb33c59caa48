"""What is judged: the conversation so far, the tagged sources, the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Source:
    """A piece of context with its provenance. `published` is a date as its origin gives it, best ISO 8601."""

    text: str
    origin: str = ""
    published: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Exchange:
    """A conversation, its sources and a draft. A draft of `None` means that only the input is judged."""

    conversation: tuple[Message, ...]
    draft: str | None = None
    sources: tuple[Source, ...] = ()

    @property
    def judged(self) -> str:
        """The text under judgement: the draft, or the last user turn where there is no draft."""
        if self.draft is not None:
            return self.draft
        turns = [message.content for message in self.conversation if message.role == "user"]
        return turns[-1] if turns else ""
