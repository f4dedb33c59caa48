"""A generator that is told the manifesto before every conversation."""

from __future__ import annotations

from dataclasses import replace

from critics import Message
from pipeline.drafting import DraftRequest, Generator, Pieces


class PromptedGenerator:
    """Puts `system` at the head of what another generator is asked. Neither the loop nor a critic sees it.

    Where the conversation has a system message of its own, that follows in the same message, since many chat templates
    take one alone.
    """

    def __init__(self, generator: Generator, system: Message) -> None:
        self._generator = generator
        self._system = system

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def can_continue(self) -> bool:
        return self._generator.can_continue

    def __call__(self, request: DraftRequest) -> Pieces:
        return self._generator(replace(request, messages=self._told(request.messages)))

    def _told(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        first, *rest = messages
        if first.role != "system":
            return (self._system, *messages)
        return (replace(self._system, content=f"{self._system.content}\n\n{first.content}"), *rest)
