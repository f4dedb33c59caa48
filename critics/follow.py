"""Critics that begin before a draft is whole: they are shown it as it grows, and have less to do once it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from critics.critic import Critic
from critics.exchange import Exchange
from critics.manifesto.schema import Rule

Follow = Callable[[str], None]
"""Told what there is of a draft by now. It is called for every piece, so it should soon return."""

_log = logging.getLogger("superego")


@runtime_checkable
class Follower(Protocol):
    """A critic that reads along. What it says of the draft in the end is what it would have said anyway."""

    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> AbstractContextManager[Follow | None]:
        """While the answer to `exchange`, which holds no draft, is written; `rules` will be asked about then. `None`
        where there is nothing to begin with."""


@contextmanager
def following(critic: Critic, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Follow | None]:
    """As the critic does, if it is one that follows. Whatever goes wrong, it only has more to do in the end."""
    follow, told = None, None
    if isinstance(critic, Follower):
        try:
            follow = critic.follow(exchange, rules)
            told = follow.__enter__()
        except Exception:  # noqa: BLE001  # it is not needed: the critic will be asked in the end
            _log.debug("nobody reads along", exc_info=True)
            follow = None
    try:
        yield told and _Quiet(told)
    finally:
        # It does not learn how that went, so that it cannot make an error go away.
        if follow is not None:
            try:
                follow.__exit__(None, None, None)
            except Exception:  # noqa: BLE001  # as above
                _log.debug("nobody has read along", exc_info=True)


class _Quiet:
    """Tells until something goes wrong."""

    def __init__(self, told: Follow) -> None:
        self._told: Follow | None = told

    def __call__(self, draft: str) -> None:
        if self._told is None:
            return
        try:
            self._told(draft)
        except Exception:  # noqa: BLE001  # as above
            _log.debug("nobody reads along any more", exc_info=True)
            self._told = None
