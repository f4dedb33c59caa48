"""What pays on this machine with these weights, found out once.

For a token that is written, flash attention fetches and weighs one cell after the other, and skips those of others. On
processors of AMD that is as fast as to fetch them all at once; on a Xeon it took twice as long. And where two threads
write nearly twice as fast as one, none should read along instead (docs/performance.md).
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pipeline.errors import ModelFault
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import TILE, Row
from pipeline.llama.engine.jobs import SPARED
from pipeline.llama.engine.llama_device import BATCH, cuttable
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.worker import worker
from pipeline.llama.model import LlamaModel, quiet_api
from pipeline.llama.optimise.fingerprint import fingerprint
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.machine.processor import processor

SLOWER = 1.1
"""How many times as long a token may take with flash attention, which pays where several write."""
BUSY = 1.2
"""How many times its processor's time a thread may take while nobody else is at work."""

TRIES = 3

_CELLS = 512
_BEFORE = 256
"""Tokens of the conversation in which is measured."""
_ROUNDS = 4
_WRITTEN = 5

_log = logging.getLogger("superego")


@dataclass(frozen=True)
class Pace:
    """Whether drafts are written with `flash` attention, and whether a judge reads them `along` while only one of two
    threads writes them."""

    flash: bool = True
    along: bool = True


@dataclass(frozen=True)
class Taken:
    """Seconds: for a token with `flash` attention and without, of one thread's processor; for one in the better way by
    one thread and by all, and for a tile of a prompt by all, on the clock, which says little unless it was `quiet`."""

    flash: float
    plain: float
    by_one: float
    by_all: float
    tile: float
    quiet: bool = True

    @property
    def pace(self) -> Pace:
        lost = SPARED * (self.by_one - self.by_all)
        return Pace(flash=_pays(self.flash, self.plain), along=lost < self.tile or not self.quiet)


def pace(model: LlamaModel, threads: int, folder: Path | None = None) -> Pace:
    """What pays with so many threads: measured on first use, in a few seconds, and remembered in the cache folder with
    the machine's name. Where others are at work meanwhile, it is measured again the next times, up to `TRIES`.

    On a GPU, where the folder cannot be written, and for a model whose sequences cannot be cut it is what pays on most
    machines.
    """
    if quiet_api().llama_supports_gpu_offload() or not cuttable(model):
        return Pace()
    folder = folder or user_cache_path("superego") / "models"
    note = folder / f"{model.path.stem}-{fingerprint(model.path)[:16]}-pace.json"
    machine = f"{processor()}, {threads} threads, llama-cpp-python {version('llama-cpp-python')}"
    known, tries = _noted(note, machine)
    if known is not None and (known.quiet or tries >= TRIES):
        return known.pace
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note.touch()
        _log.info("once: measuring for some seconds how %s writes fastest", model.path.stem)
        taken = worker.run(lambda: _taken(model, threads))
        note.write_text(json.dumps({"machine": machine, "tries": tries + 1, "taken": asdict(taken)}))
    except (OSError, ModelFault) as exc:
        _log.warning("%s is used as on most machines: %s", model.path.stem, exc)
        return Pace()
    return taken.pace


def _pays(flash: float, plain: float) -> bool:
    return flash < SLOWER * plain


def _noted(note: Path, machine: str) -> tuple[Taken | None, int]:
    """And how often it was measured; `None` where it never was on such a machine, or the note was cut short."""
    try:
        told: Any = json.loads(note.read_text())
        return (Taken(**told["taken"]), int(told["tries"])) if told["machine"] == machine else (None, 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None, 0


def _taken(model: LlamaModel, threads: int) -> Taken:
    """Raises `ModelFault` where memory does not do for two contexts."""
    ids = list(islice(cycle(model.tokenise(PASSAGE, False)), _BEFORE + TILE))
    with ExitStack() as stack:
        devices = [
            stack.enter_context(closing(LlamaDevice(model, cells=_CELLS, threads=threads, flash=on)))
            for on in (True, False)
        ]
        for device in devices:
            for start in range(0, _BEFORE, BATCH):
                device.decode([Row(ids[at], at, 0, False) for at in range(start, start + BATCH)])
        by_one, by_all, tiles = [_Times(), _Times()], [_Times(), _Times()], _Times()
        for _ in range(_ROUNDS):
            for device, one, every in zip(devices, by_one, by_all, strict=True):
                for share, times in ((Share.ONE, one), (Share.ALL, every)):
                    device.compute_with(share)
                    times.take(device, [ids[at : at + 1] for at in range(_BEFORE, _BEFORE + _WRITTEN)])
            tiles.take(devices[0], [ids[_BEFORE:]])  # with all threads, as a judge reads
    better = 0 if _pays(by_one[0].worked, by_one[1].worked) else 1
    return Taken(
        by_one[0].worked,
        by_one[1].worked,
        by_one[better].quick,
        by_all[better].quick,
        tiles.quick,
        quiet=not any(times.busy for times in by_one),
    )


class _Times:
    """What batches took, behind the conversation."""

    def __init__(self) -> None:
        self._clock: list[float] = []
        self._processor: list[float] = []

    def take(self, device: LlamaDevice, batches: Sequence[Sequence[int]]) -> None:
        at = _BEFORE
        for batch in batches:
            rows = [Row(token, position, 0, False) for position, token in enumerate(batch, at)]
            began, worked = time.perf_counter(), time.thread_time()
            device.decode([*rows[:-1], rows[-1]._replace(wanted=True)])
            self._clock.append(time.perf_counter() - began)
            self._processor.append(time.thread_time() - worked)
            at += len(batch)
        device.remove(0, _BEFORE)

    @property
    def quick(self) -> float:
        """By the clock, of the quarter that nobody disturbed."""
        return statistics.quantiles(self._clock, n=4)[0]

    @property
    def worked(self) -> float:
        return statistics.median(self._processor)

    @property
    def busy(self) -> bool:
        return statistics.median(self._clock) > BUSY * self.worked
