"""A generator that says what it was told to: for tests, here and in other people's projects."""

from __future__ import annotations

from collections.abc import Iterable

from critics import Message, ToolCall, Usage
from pipeline.drafting.generator import DraftRequest, Piece, Pieces
from pipeline.drafting.stops import until
from pipeline.errors import ModelFault


class ScriptedGenerator:
    """Gives its drafts, or the only one, one after another, word by word, then the last one for ever, and remembers
    every request.

    A word counts as a token. It ends where `max_tokens` and `stop` of the request's options say. A `ModelFault` among
    the drafts is raised in its place, and a message is one that may call tools.
    """

    name = "scripted"

    def __init__(self, drafts: str | Iterable[str | Message | ModelFault], *, can_continue: bool = True) -> None:
        self._drafts = [drafts] if isinstance(drafts, str) else list(drafts)
        self.can_continue = can_continue
        self.requests: list[DraftRequest] = []

    def __call__(self, request: DraftRequest) -> Pieces:
        draft = self._drafts[min(len(self.requests), len(self._drafts) - 1)]
        self.requests.append(request)
        if isinstance(draft, ModelFault):
            raise draft
        message = draft if isinstance(draft, Message) else Message("assistant", draft)
        yield from until(_words(message.content, message.calls, request), request.options.stop, request.continues)


def _words(draft: str, calls: tuple[ToolCall, ...], request: DraftRequest) -> Pieces:
    yield Piece("", Usage(sum(len(m.content.split()) for m in request.messages), 0))
    most = request.options.max_tokens
    for index, word in enumerate(draft.split(" ")):
        if most is not None and len(request.continues.split()) + index >= most:
            yield Piece("", finish="length")
            return
        yield Piece(f" {word}" if index else word, Usage(0, 1))
    yield Piece("", finish="stop", calls=calls)
