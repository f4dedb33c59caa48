"""From a route to answers under way, and back: followed to the end, or event by event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.types import Receive

from critics import Message, Source
from pipeline.drafting import DraftOptions
from pipeline.loop import Answer, Outcome
from pipeline.server import faults
from pipeline.server.behind import of_exception, of_outcome
from pipeline.server.catalogue import Served
from pipeline.server.service import Service, record_of
from pipeline.server.telling.record import Record
from pipeline.server.work import Ended, Failed, Following

T = TypeVar("T")

_APART = 1000
"""Between the seeds of two answers to one request: each attempt adds one."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


def ask(
    service: Service,
    request: Request,
    served: Served,
    turns: Sequence[Message],
    *,
    options: DraftOptions,
    hold: bool,
    choices: int = 1,
    seed: int | None = None,
    context: Sequence[Source] = (),
) -> Following:
    """Begin as many answers as are asked for. With `hold` they come whole, whatever their manifesto says of streams.

    Raises `ApiError` where there is no room.
    """
    record, pipeline = record_of(request), served.pipeline
    record.turns = tuple(turns)

    @contextmanager
    def answering(choice: int) -> Iterator[Answer]:
        own = None if seed is None else (seed + choice * _APART) & 0x7FFFFFFF
        with closing(service.telling.spans.answer(record.trace)) as spans:
            watched, passed = spans.around(pipeline), service.passed
            with watched.stream(
                turns, context=context, seed=own, observe=spans.observe, options=options, hold=hold, passed=passed
            ) as answer:
                yield answer

    starts = [partial(answering, choice) for choice in range(choices)]
    return service.work.follow(starts, partial(service.telling.ended, record))


async def collected(service: Service, request: Request, following: Following) -> list[Outcome]:
    """All answers. Raises `ApiError`, and `ClientGone`; then the work is stopped."""
    try:
        return await unless_gone(request.receive, _all(service, record_of(request), following))
    finally:
        following.cancel()


async def _all(service: Service, record: Record, following: Following) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < len(following):
        event = await following.next()
        if isinstance(event, Failed):
            raise failure(service, record, event)
        if isinstance(event, Ended):
            outcomes[event.choice] = outcome_of(event)
    return [outcomes[choice] for choice in sorted(outcomes)]


def outcome_of(event: Ended) -> Outcome:
    """What came of an answer. Raises `ApiError` where it has nothing to say."""
    if fault := of_outcome(event.outcome):
        raise fault
    return event.outcome


def failure(service: Service, record: Record, event: Failed) -> faults.ApiError:
    """What the client is told of what a thread raised. What nobody foresaw is ours, and goes into the log."""
    if known := of_exception(event.error):
        return known
    service.telling.bug(record, event.error)
    return faults.bug()


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    """What the work gives, unless the client leaves before: then it is cancelled, and `ClientGone` raised."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(leaving, working, return_exceptions=True)  # what is cancelled has not ended yet


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
