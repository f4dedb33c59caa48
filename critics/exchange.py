"""What is judged: the conversation so far, the tagged sources, the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class ToolCall:
    """What an assistant asks of a tool. `arguments` are JSON; the tool's turn names the `id`."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation. `calls` are an assistant's; `answers` is the id of the call that a tool's turn is the
    result of.

    A critic is told of neither: it hears calls as text, and what tools gave as sources.
    """

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""


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
