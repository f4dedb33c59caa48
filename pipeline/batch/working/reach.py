"""A prompt at which a model fails is told from a model that is gone: that one answers no other question either."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext

from critics import Message
from pipeline.batch.task import Record, Task
from pipeline.batch.working.answering import Answering, Held
from pipeline.batch.working.gate import Gate
from pipeline.drafting import DraftOptions, DraftRequest, Generator
from pipeline.errors import ModelBusy, ModelFault, ModelMissing, ModelRefused, ModelUnavailable
from pipeline.loop.awaited import awaited

QUESTION = (Message("user", "Say OK."),)
_ENOUGH = DraftOptions(max_tokens=16)


class Reach:
    """Answers the tasks of one run, from several threads.

    A model that failed at a task is asked a short question, while nothing else is under way. Where it answers that, the
    task is asked once more, still by itself, since the model may have been away for a moment; one that fails again is a
    faulted record. Where it does not, it is gone for all the others as well.
    """

    def __init__(self) -> None:
        self._gate = Gate()
        self._gone = False

    def __call__(
        self,
        answering: Answering,
        task: Task,
        *,
        held: Held = nullcontext,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Record | None:
        """What came of a task; nothing where it is `stopped` before that is clear.

        Raises the `ModelFault` of a model that is gone, refuses all that it is asked, or has too much to do. It names
        the line.
        """
        with self._gate.together():
            if stopped():
                return None
            record, fault = answering(task, held)
        if isinstance(fault, ModelBusy):
            raise ModelUnavailable(record["fault"]) from fault
        if fault is None or not (fault.retryable or isinstance(fault, ModelRefused | ModelMissing)):
            return record
        with self._gate.alone() if fault.retryable else self._gate.together():
            return None if stopped() else self._suspected(answering, task, held, record, fault)

    def _suspected(self, answering: Answering, task: Task, held: Held, record: Record, fault: ModelFault) -> Record:
        self._refuse_gone(answering.generator(task), held, record, fault)
        if not fault.retryable:
            return record
        record, again = answering(task, held)
        if again is None or not again.retryable:
            return record
        if isinstance(again, ModelBusy):
            raise ModelUnavailable(record["fault"]) from again
        self._refuse_gone(answering.generator(task), held, record, again)
        record["fault"] += "; it failed so twice, and answered other questions meanwhile"
        return record

    def _refuse_gone(self, generator: Generator, held: Held, record: Record, fault: ModelFault) -> None:
        asked = None if self._gone else _asked(generator, held)
        self._gone = self._gone or (asked is not None and (asked.retryable or type(asked) is type(fault)))
        if self._gone:
            kind = ModelUnavailable if fault.retryable else ModelFault
            raise kind(f"{record['fault']}; a short question was not answered either") from fault


class _Question:
    """Can be given up, as an answer can."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def cancel(self) -> None:
        self.stop.set()


def _asked(generator: Generator, held: Held) -> ModelFault | None:
    """What the model fails with at the question, if it does. What else breaks says nothing of whether it is there."""
    question = _Question()
    # No seed that was used before, so that it is not the cache that answers.
    request = DraftRequest(QUESTION, secrets.randbits(31), options=_ENOUGH, stop=question.stop)
    try:
        with held(question), closing(awaited(generator, request)) as pieces:
            for _ in pieces:
                pass
    except Exception as exc:  # noqa: BLE001  # one record must not end a run of a million, whatever broke in it
        return exc if isinstance(exc, ModelFault) else None
    return None
