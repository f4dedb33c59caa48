"""A context that the worker thread owns, and a bounded queue in front of it.

That only the worker touches the context, or its helper while the engine is lent to that, holds by construction: the
context is made inside `_serve`, a generator that only these advance, in a local variable, and no reference to it leaves
that function.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace

from pipeline.errors import BadInput, ModelFault, ModelUnusable
from pipeline.llama.engine.device import TILE, Device, Saved
from pipeline.llama.engine.following import Following
from pipeline.llama.engine.jobs import AheadJob, Words, WritingJob
from pipeline.llama.engine.lanes import LanedDevice
from pipeline.llama.engine.llama_device import BATCH, LONG_BATCH, LlamaDevice, cuttable
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.looking import LookingJob, SavingJob
from pipeline.llama.engine.mailbox import Mailbox
from pipeline.llama.engine.requests import (
    Ahead,
    Generation,
    Looking,
    Planting,
    Saving,
    Scores,
    Scoring,
    Seen,
    Writing,
)
from pipeline.llama.engine.scheduler import Counts, Scheduler
from pipeline.llama.engine.scoring import ScoringJob
from pipeline.llama.engine.worker import Service, worker
from pipeline.llama.model import LlamaModel, refuse_overflow

SEQUENCES = 64

_PLAIN_CELLS = 16_384
"""At most so many do without flash attention, which keeps no score of each row, by each head, for each cell."""


class Engine:
    """Writes and scores for any number of callers over one model, in one batch.

    `context` is how many tokens one request may take, prompt and answer together, at most what the model was trained
    with, `cells` how many all requests and kept prefixes take together (twice the context if not given), `parallel` how
    many requests run at a time, `waiting` how many more may wait before the next is refused. With `fixed` one runs at a
    time, and comes out the same to the last bit whatever else was asked; else, and with at most 16,384 cells, it may do
    without `flash` attention, with which some machines write more slowly. Raises `ModelUnusable` where the memory does
    not do.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        context: int = 4096,
        cells: int | None = None,
        threads: int | None = None,
        parallel: int = 16,
        waiting: int = 256,
        fixed: bool = False,
        flash: bool = True,
    ) -> None:
        if not 1 <= parallel <= SEQUENCES // 2 - 1:
            raise ValueError(f"`parallel` must be from 1 to {SEQUENCES // 2 - 1}, not {parallel}")
        self.model = model
        self.fixed = fixed
        self.context = model.context(context)
        self.cells = total = max(cells or 2 * self.context, self.context)
        self._flash = flash = flash or fixed or total > _PLAIN_CELLS
        self._words = Words(model.piece, model.ends)
        self._mailbox = Mailbox(parallel + waiting)
        self._followings: set[Following] = set()

        def device() -> Device:
            if fixed:  # see engine/fixed.py
                return LlamaDevice(model, cells=total + TILE, sequences=SEQUENCES, threads=threads, batch=LONG_BATCH)
            return LanedDevice(
                model,
                lanes=parallel,
                cells=total,
                sequences=SEQUENCES,
                threads=threads,
                batch=BATCH,
                flash=flash,
            )

        started: Future[None] = Future()
        worker.employ(_serve(device, self._mailbox, parallel, fixed, started))
        _mailboxes.add(self._mailbox)
        try:
            started.result()
        except BaseException:  # interrupted: what was asked for is made all the same, and must not stay
            self._mailbox.close()
            raise
        self._finalizer = weakref.finalize(self, self._mailbox.close)  # for an engine that nobody closes

    def generate(self, request: Generation) -> Writing:
        """Begin to write. Raises `ContextOverflow`, `BadInput`, or `ModelBusy` where too many wait already."""
        self._check(request, len(request.prompt), request.max_tokens)
        self._check_tokens((*request.prompt, *request.sampling.bias))
        job = WritingJob(request, self._words)
        self._mailbox.put(job)
        return job.writing

    def score(self, request: Scoring) -> Future[Scores]:
        """Begin to read. Raises as `generate` does. The future can be cancelled at any time."""
        if not request.prompts:
            raise BadInput("there is no prompt to score")
        for prompt in request.prompts:
            self._check(request, len(prompt), 0)
            self._check_tokens(prompt)
        for group in request.groups:
            self._check_tokens(group)
        job = ScoringJob(request, self.cells)
        self._mailbox.put(job)
        return job.future

    def read_ahead(self, request: Ahead) -> bool:
        """Begin to read what will be asked about, where nothing else is to be done, and say whether it is so. Raises as
        `generate` does."""
        if not self.fixed:
            raise ValueError("only an engine that takes one request at a time reads ahead")
        self._check(request, len(request.prompt), 0)
        self._check_tokens(request.prompt)
        return self._mailbox.put_if_idle(AheadJob(request))

    def following(self) -> Following:
        """To read a draft ahead of what will be asked about it, with `read_ahead`."""
        return Following(self.read_ahead, self._followings, lambda: worker.spared and self._mailbox.idle)

    def look(self, request: Looking) -> Future[Seen]:
        """Begin to read, and look at what the cache then holds. Raises as `generate` does, and `ModelUnusable` for a
        model that does not hold each token in a cell."""
        if not cuttable(self.model):
            raise ModelUnusable(
                f"{self.model.path} cannot be looked into: it has a recurrent state or a sliding window, where a probe "
                "needs a cell for each token. Use another model"
            )
        self._check(request, len(request.prompt), 0)
        self._check_tokens(request.prompt)
        if not 0 <= request.start < len(request.prompt):
            raise BadInput(f"there is no token {request.start} to look at in a prompt of {len(request.prompt)}")
        job = LookingJob(request)
        self._mailbox.put(job)
        return job.future

    def save(self, request: Saving) -> Future[Saved]:
        """Begin to read, and give what the cache then holds of it. Raises as `generate` does."""
        self._check(request, len(request.prompt), 0)
        self._check_tokens(request.prompt)
        job = SavingJob(request)
        self._mailbox.put(job)
        return job.future

    def plant(self, request: Planting) -> None:
        """Whoever asks from now on, and begins with these tokens, need not read them. Raises as `generate` does."""
        self._check(request, len(request.tokens), 0)
        self._check_tokens(request.tokens)
        self._mailbox.plant(request)

    @property
    def layout(self) -> str:
        """In what form the cache holds tokens: cells saved under one layout are planted under no other."""
        return LlamaDevice.layout(self.model, flash=self._flash)

    @property
    def counts(self) -> Counts:
        """What has been done so far."""
        return replace(self._mailbox.counts)

    @property
    def held(self) -> int:
        """Cells that are in use or kept for somebody."""
        return self._mailbox.held

    def close(self) -> None:
        """End every request, free the context, and wait for that. What is asked afterwards is refused."""
        self._finalizer()
        self._mailbox.wait()

    def _check(self, request: _Request, tokens: int, room: int) -> None:
        if not tokens:
            raise BadInput("the prompt is empty")
        if isinstance(request, Generation) and request.max_tokens < 1:
            raise BadInput("`max_tokens` must be at least 1")
        refuse_overflow(self.model.name, tokens, room, self.context)
        for adapter in request.adapters if isinstance(request, Generation | Scoring | Ahead) else ():
            self.model.adapter(adapter.path)  # a bad file is the caller's fault, and said in the caller's thread

    def _check_tokens(self, tokens: Iterable[int]) -> None:
        if strange := {token for token in tokens if not 0 <= token < self.model.vocabulary_size}:
            raise BadInput(f"{self.model.name} has no token {min(strange)}")  # it would fail whoever shares the batch


_Request = Generation | Scoring | Ahead | Looking | Saving | Planting


def _serve(
    make: Callable[[], Device],
    mailbox: Mailbox,
    parallel: int,
    fixed: bool,
    started: Future[None],
) -> Service:
    try:
        device = make()
    except Exception as exc:  # noqa: BLE001  # raised where the engine is made
        started.set_exception(exc)
        mailbox.end()
        return
    scheduler = Scheduler(device, parallel=parallel, sequences=SEQUENCES, fixed=fixed)
    started.set_result(None)
    error: Exception = ModelFault("the engine was closed")
    try:
        while not mailbox.closed:
            jobs = mailbox.take()
            for new in mailbox.planted():
                scheduler.plant(new.tokens, new.saved)
            for job in jobs:
                scheduler.add(job)
            mailbox.tell(scheduler)
            share = yield scheduler.load
            if share is Share.NONE:
                scheduler.drop()
            elif scheduler.jobs:
                scheduler.step(share)
    except Exception as exc:  # noqa: BLE001  # a fault of ours; nobody may wait for an answer that does not come
        error = ModelFault(f"the engine broke: {type(exc).__name__}: {exc}")
        error.__cause__ = exc
        mailbox.close()
    try:
        for job in mailbox.take():
            scheduler.add(job)
        scheduler.fail(error)
    finally:
        device.close()
        mailbox.end()


_mailboxes: weakref.WeakSet[Mailbox] = weakref.WeakSet()


def _forked() -> None:
    for mailbox in list(_mailboxes):
        mailbox.forked()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_forked)


@atexit.register
def _close_all() -> None:
    """Before the interpreter takes its threads down: one that is inside llama.cpp then would crash."""
    for mailbox in list(_mailboxes):
        mailbox.close()
        mailbox.wait()
    worker.finish()
