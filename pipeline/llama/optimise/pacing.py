"""What pays on this machine with these weights, found out once.

For a token that is written, flash attention fetches and weighs one cell after the other, and skips those of others. On
processors of AMD that is as fast as to fetch them all at once; on a Xeon it took twice as long. And where two threads
write nearly twice as fast as one, none should read along instead (docs/performance.md).
"""

from __future__ import annotations

import hashlib
import json
import logging
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
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
from pipeline.llama.products import LIBRARY, attached
from pipeline.machine.processor import processor

_SLOWER = 1.1
"""How many times as long a token may take with flash attention, which pays where several write."""
_BUSY = 1.2
"""How many times their processors' time threads may take while nobody else is at work."""
_TRIES = 3
"""How often it is measured at most where others always are."""
_LARGEST = 2 << 30
"""Bytes of weights of which it is measured: with larger ones it takes minutes, and tells less on a token."""
_LONGEST = 10.0
"""Seconds after which no other round is begun."""
_CELLS = 512
_BEFORE = 256
"""Tokens of the conversation in which is measured."""
_ROUNDS = 5
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
        flash = _pays(self.flash, self.plain)
        # Where the clock says nothing, it is as it was wherever it did: both paid, or neither.
        along = SPARED * (self.by_one - self.by_all) < self.tile if self.quiet else flash
        return Pace(flash, along)


def pace(model: LlamaModel, threads: int, folder: Path | None = None) -> Pace:
    """What pays with so many threads: measured on first use, in a few seconds, and remembered in the cache folder with
    the machine's name and llama.cpp's build. Where others are at work meanwhile, what the clock says is measured again
    the next times, three in all.

    On a GPU, where the folder cannot be written, for large weights, and for a model whose sequences cannot be cut it is
    what pays on most machines.
    """
    api = quiet_api()
    if api.llama_supports_gpu_offload() or api.llama_model_size(model.handle) > _LARGEST or not cuttable(model):
        return Pace()
    folder = folder or user_cache_path("superego") / "models"
    machine = f"{processor()}, {threads} threads, {_llama_cpp()}"
    here = hashlib.sha256(machine.encode()).hexdigest()[:8]
    note = folder / f"{model.path.stem}-{fingerprint(model.path)[:16]}-pace-{here}.json"
    known, tries = _noted(note)
    if known is not None and (known.quiet or threads != 2 or tries >= _TRIES):
        return known.pace
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note.touch()  # what could not be kept is not measured: another time it might be found otherwise
        _log.info("once: measuring how %s writes fastest", model.path.stem)
        taken = worker.run(lambda: _taken(model, threads, known))
        note.write_text(json.dumps({"machine": machine, "tries": tries + 1, "taken": asdict(taken)}))
    except (OSError, ModelFault) as exc:
        _log.warning("%s is used as on most machines: %s", model.path.stem, exc)
        return known.pace if known else Pace()
    return taken.pace


def _llama_cpp() -> str:
    """Its version and build, and that of our products: compiled with other flags it takes other times."""
    installed = distribution("llama-cpp-python")
    files = hashlib.sha256((installed.read_text("RECORD") or "").encode())
    if attached():
        files.update(LIBRARY.read_bytes())
    return f"llama-cpp-python {installed.version} ({files.hexdigest()[:8]})"


def _pays(flash: float, plain: float) -> bool:
    return flash < _SLOWER * plain


def _noted(note: Path) -> tuple[Taken | None, int]:
    """And how often it was measured; `None` where it never was, or the note was cut short."""
    try:
        told: Any = json.loads(note.read_text())
        return Taken(**told["taken"]), int(told["tries"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, 0


def _taken(model: LlamaModel, threads: int, known: Taken | None) -> Taken:
    """Of what is `known` the processor's time stays. Raises `ModelFault` where memory does not do for two contexts."""
    ids = list(islice(cycle(model.tokenise(PASSAGE, False)), _BEFORE + TILE))
    if not ids:
        raise ModelFault("it has no tokens for a passage of prose")
    with ExitStack() as stack:
        devices = [
            stack.enter_context(closing(LlamaDevice(model, cells=_CELLS, threads=threads, flash=on)))
            for on in (True, False)
        ]
        for device in devices:
            for start in range(0, _BEFORE, BATCH):
                device.decode([Row(ids[at], at, 0, False) for at in range(start, min(start + BATCH, _BEFORE))])
        by_one, by_all, tiles = [_Times(), _Times()], [_Times(), _Times()], _Times()
        began = time.perf_counter()
        for number in range(_ROUNDS):
            if number and time.perf_counter() - began > _LONGEST:
                break
            for device, one, every in zip(devices, by_one, by_all, strict=True):
                for share, times in ((Share.ONE, one), (Share.ALL, every)):
                    device.compute_with(share)
                    times.take(device, [ids[at : at + 1] for at in range(_BEFORE, _BEFORE + _WRITTEN)])
            tiles.take(devices[0], [ids[_BEFORE:]])  # with all threads, as a judge reads
    worked = (known.flash, known.plain) if known else (by_one[0].worked, by_one[1].worked)
    better = 0 if _pays(*worked) else 1
    busy = [*(times.busy(1) for times in by_one), *(times.busy(threads) for times in by_all)]
    return Taken(*worked, by_one[better].quick, by_all[better].quick, tiles.quick, quiet=not any(busy))


class _Times:
    """What batches took behind the conversation, round by round, for each of them."""

    def __init__(self) -> None:
        self._clock: list[float] = []
        self._thread: list[float] = []
        self._process: list[float] = []

    def take(self, device: LlamaDevice, batches: Sequence[Sequence[int]]) -> None:
        began = time.perf_counter(), time.thread_time(), time.process_time()
        at = _BEFORE
        for batch in batches:
            rows = [Row(token, position, 0, False) for position, token in enumerate(batch, at)]
            device.decode([*rows[:-1], rows[-1]._replace(wanted=True)])
            at += len(batch)
        ended = time.perf_counter(), time.thread_time(), time.process_time()
        for times, before, after in zip((self._clock, self._thread, self._process), began, ended, strict=True):
            times.append((after - before) / len(batches))
        device.remove(0, _BEFORE)

    @property
    def quick(self) -> float:
        """By the clock, of the round that was disturbed least."""
        return min(self._clock)

    @property
    def worked(self) -> float:
        """Of the processor's time of the thread that asked."""
        return statistics.median(self._thread)

    def busy(self, threads: int) -> bool:
        """Whether so many threads, which spin while they wait for one another, had to wait for a processor."""
        return threads * statistics.median(self._clock) > _BUSY * statistics.median(self._process)
