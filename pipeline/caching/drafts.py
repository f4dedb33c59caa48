"""A generator that remembers what it has drafted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, replace

from critics import ToolCall, Usage
from pipeline.caching.key import key_of
from pipeline.caching.store import Store
from pipeline.drafting import DraftRequest, Generator, Piece, Pieces

KIND = "drafts"


class CachingGenerator:
    """Drafts as `generator` does, or as it did when it was asked the very same: messages (sources are among them), seed
    and options. `identity` is what else its drafts depend on: weights, settings.

    What is given again is piece by piece as it was, with what it cost then, so that the loop and its budget go the same
    way. Of a draft that nobody wanted to its end the beginning is kept, if the generator could go on from there.
    """

    def __init__(self, generator: Generator, store: Store, *, identity: str = "") -> None:
        self._generator = generator
        self._store = store
        self._identity = identity

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def can_continue(self) -> bool:
        return self._generator.can_continue

    def __call__(self, request: DraftRequest) -> Pieces:
        key = self._key(request)
        kept = _read(self._store.get(KIND, key))
        if kept is None or not kept.fits(request.max_tokens):
            yield from self._kept(request, key, [], over=kept)
            return
        yield from kept.pieces
        if not kept.whole:
            yield from self._kept(_behind(request, kept), key, kept.pieces)

    def _kept(
        self, request: DraftRequest, key: bytes, before: Sequence[Piece], *, over: _Draft | None = None
    ) -> Pieces:
        """What the generator drafts, behind what it drafted `before`. A whole draft is not written `over` by half."""
        written, ended, failed = list(before), False, False
        try:
            with closing(self._generator(request)) as pieces:
                for piece in pieces:
                    written.append(piece)
                    yield piece
            ended = request.time_left != 0.0
        except Exception:
            failed = True
            raise
        finally:
            ended = ended or any(piece.finish for piece in written)
            spent = sum(piece.usage.completion_tokens for piece in written[len(before) :])
            said = any(piece.text or piece.calls or piece.finish for piece in written)  # a lost answer says nothing
            whole = ended and said and (request.max_tokens is None or spent < request.max_tokens)
            better = whole or not (over and over.whole)
            # Nobody goes on from half a call, or half of JSON.
            going_on = self.can_continue and not (request.options.tools or request.options.form) and _text(written)
            if not failed and better and (whole or going_on):
                self._store.put(key, _written(_Draft(written, whole)))

    def _key(self, request: DraftRequest) -> bytes:
        messages = [asdict(message) for message in request.messages]
        asked = asdict(request.options)
        return key_of(KIND, self._identity, self.name, messages, request.seed, request.continues, asked)


@dataclass(frozen=True)
class _Draft:
    pieces: Sequence[Piece]
    whole: bool

    @property
    def tokens(self) -> int:
        return sum(piece.usage.completion_tokens for piece in self.pieces)

    def fits(self, most: int | None) -> bool:
        """Whether it would have come out the same with `most` tokens left of a budget."""
        return most is None or self.tokens < most


def _behind(request: DraftRequest, kept: _Draft) -> DraftRequest:
    """The request for the rest of a draft."""
    left = None if request.max_tokens is None else request.max_tokens - kept.tokens
    return replace(request, continues=request.continues + _text(kept.pieces), max_tokens=left)


def _text(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _read(value: bytes | None) -> _Draft | None:
    if value is None:
        return None
    told = json.loads(value)
    pieces = [
        Piece(text, Usage(read, written), finish, tuple(ToolCall(*call) for call in calls))
        for text, read, written, finish, calls in told["pieces"]
    ]
    return _Draft(pieces, told["whole"])


def _written(draft: _Draft) -> bytes:
    pieces = [
        (p.text, p.usage.prompt_tokens, p.usage.completion_tokens, p.finish, [astuple(call) for call in p.calls])
        for p in draft.pieces
    ]
    return json.dumps({"pieces": pieces, "whole": draft.whole}, separators=(",", ":")).encode()
