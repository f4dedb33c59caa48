"""One line of JSON a request, and one for each answer that came too late for it; and what nobody foresaw."""

from __future__ import annotations

import json
import logging
from traceback import format_tb
from typing import Any

from critics import Message
from pipeline.errors import ModelFault, ModelRefused
from pipeline.loop import Outcome
from pipeline.server.behind import causes, status_behind
from pipeline.server.telling.record import Record
from pipeline.structured import spelled

log = logging.getLogger("superego.server")


def write(record: Record, seconds: float, *, content: bool) -> None:
    """What came of a request, without a word of what was said, unless `content` asks for it."""
    line: dict[str, Any] = {
        "event": "request",
        "id": record.id,
        "method": record.method,
        "path": record.path,
        "status": record.status,
        "seconds": round(seconds, 4),
        "key": record.key,
        "model": record.model,
    }
    if record.outcomes:
        line |= {"stream": record.stream, "answers": [_answer(outcome, content=content) for outcome in record.outcomes]}
    if content and record.turns:
        line["conversation"] = [_turn(turn) for turn in record.turns]
    log.info(json.dumps(line))


def write_late(record: Record, outcome: Outcome, *, content: bool) -> None:
    """What came of an answer after its request had ended: it was paid for as well."""
    known = {"event": "answer", "id": record.id, "key": record.key, "model": record.model}
    log.info(json.dumps({**known, "answers": [_answer(outcome, content=content)]}))


def write_bug(record: Record, error: Exception, *, content: bool) -> None:
    """What nobody foresaw: in full with `content`, else its kinds and its places, for its words may quote a request."""
    if content:
        log.error("request %s failed", record.id, exc_info=error)
        return
    links = ["".join(format_tb(link.__traceback__)) + _kind(link) for link in causes(error)]
    told = "\nof which came\n".join(links[::-1])
    log.error("request %s failed; with `log_content` what it says would be here\n%s", record.id, told)


def _kind(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _without_quotes(fault: ModelFault | None, text: str) -> str:
    """What failed: of what another one said only the kind and the status, for a server likes to repeat what it was
    asked."""
    cause = fault.__cause__ if fault else None
    if cause is None:
        return type(fault).__name__ if isinstance(fault, ModelRefused) else text
    status = status_behind(cause)
    return f"{type(fault).__name__} ({type(cause).__name__}{f', HTTP {status}' if status else ''})"


def _turn(turn: Message) -> dict[str, Any]:
    called = {"calls": [spelled(call) for call in turn.calls]} if turn.calls else {}
    return {"role": turn.role, "content": turn.content, **called}


def _answer(outcome: Outcome, *, content: bool) -> dict[str, Any]:
    cost = outcome.cost
    said: dict[str, Any] = {
        "status": outcome.status,
        "stop_reason": outcome.stop_reason,
        "attempts": len(outcome.attempts),
        "seed": outcome.seed,
        "manifesto": outcome.manifesto.hash,
        "tokens": {"generator": cost.generator.total, "critic": cost.critic.total},
    }
    if outcome.fault:
        said["fault"] = outcome.fault if content else _without_quotes(outcome.cause, outcome.fault)
    if content:
        drafts = [attempt.draft for attempt in outcome.attempts]
        said |= {"why": outcome.why, "answer": outcome.answer, "drafts": drafts}
        said |= {"calls": [spelled(call) for call in outcome.calls]} if outcome.calls else {}
    return said
