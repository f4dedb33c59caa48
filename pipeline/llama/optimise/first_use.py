"""The embedded model in a form that reads faster on this machine, if it does, found out once."""

from __future__ import annotations

import json
import logging
import statistics
import time
from contextlib import ExitStack, closing
from pathlib import Path

from platformdirs import user_cache_path

from pipeline.errors import ModelFault, OutputFault
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.worker import worker
from pipeline.llama.model import LlamaModel, quiet_api
from pipeline.llama.optimise.fingerprint import fingerprint
from pipeline.llama.optimise.measure import reading_speed
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.llama.optimise.requantise import Kind, requantised
from pipeline.llama.products import attached

WORTH = 1.5
"""How many times as fast it must read: as `q8_0` it is half as big again."""

_ROUNDS = 3
_TOKENS = 128
_GAIN = "gain_of_one_thread"

_log = logging.getLogger("superego")


def faster_form(path: Path, folder: Path | None = None, *, kind: Kind = "q8_0") -> Path:
    """The model in this form (docs/performance.md), where that reads `WORTH` times as fast here, else as `q8_0` on the
    same condition, else as it is, also where the cache folder cannot be written.

    It is measured on first use, in a few seconds, and remembered beside the new file.
    """
    folder = folder or user_cache_path("superego") / "models"
    quiet_api()  # which may be hindered from multiplying by ours, by which more pays
    by = "-by-ours" if attached() else ""
    note = folder / f"{path.stem}-{fingerprint(path)[:16]}-{kind}{by}.json"
    try:
        gain = _noted(note)
        if gain is None:
            _log.info("once: measuring for some seconds whether %s reads faster in another form", path.stem)
            form = requantised(path, kind, folder, compute=worker.run)
            gain = worker.run(lambda: _gain(path, form))
            note.write_text(json.dumps({_GAIN: gain}))
        if gain >= WORTH:
            return requantised(path, kind, folder, compute=worker.run)
    except (OSError, OutputFault, ModelFault) as exc:
        _log.warning("%s is used as it is: %s", path.stem, exc)
        return path
    if kind == "q8_0":
        return path
    _log.warning("%s is not used as %s, which reads only %.1f times as fast here", path.stem, kind, gain)
    return faster_form(path, folder)


def _noted(note: Path) -> float | None:
    try:
        return float(json.loads(note.read_text())[_GAIN])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never measured, or cut short while it was written


def _gain(before: Path, after: Path) -> float:
    """By one thread and its processor's time: what is found is kept, also where others were at work meanwhile. Where a
    GPU reads, that time would say nothing."""
    clock = time.perf_counter if quiet_api().llama_supports_gpu_offload() else time.thread_time
    models = [LlamaModel(path) for path in (before, after)]
    ids = models[0].tokenise(PASSAGE, False)[:_TOKENS]
    with ExitStack() as stack:
        devices = [stack.enter_context(closing(LlamaDevice(model, cells=2 * _TOKENS, threads=1))) for model in models]
        speeds = [[reading_speed(device, ids, clock=clock) for device in devices] for _ in range(_ROUNDS + 1)]
    slow, fast = (statistics.median(column) for column in zip(*speeds[1:], strict=True))
    return float(fast / slow)
