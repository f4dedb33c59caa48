"""The same model in a form that reads faster here, and what that gains and costs.

On x86, llama.cpp's kernels for some quantisations read two to three times as fast as those for others; which is best
depends on the machine, so it is measured, not assumed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import ModelUnusable
from pipeline.files.replacing import replacing, writing
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.model import LlamaModel, quiet_api
from pipeline.llama.optimise.fingerprint import fingerprint
from pipeline.llama.optimise.importance import Importance, importance
from pipeline.llama.optimise.measure import perplexity, reading_speed, writing_speed
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.machine.cores import available_cores

Kind = Literal["q8_0", "bf16", "iq4_nl"]
"""In `iq4_nl` the feed-forward matrices have four bits (those that lead out of a layer in `q4_K`, where that fits),
rounded with care for the inputs that count, the rest eight."""

Compute = Callable[[Callable[[], Importance]], Importance]
"""Has it done where llama.cpp computes."""

_CONTEXT = 1024


@dataclass(frozen=True)
class Spread:
    """Of several measurements."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Figures:
    """Of one form of a model: size in bytes, speeds in tokens a second, perplexity on `passage.PASSAGE`."""

    path: Path
    size: int
    reading: Spread
    writing: Spread
    perplexity: float


def requantised(
    source: Path, kind: Kind, folder: Path, *, threads: int | None = None, compute: Compute = lambda work: work()
) -> Path:
    """The model in another form, made once for each file's fingerprint and kept in `folder`.

    It is written beside its place and moved there when it is whole. Raises `ModelUnusable` where llama.cpp cannot
    convert it, `OutputFault` where it cannot be written.
    """
    target = folder / f"{source.stem}-{fingerprint(source)[:16]}-{kind}.gguf"
    if _is_whole(target):
        return target
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with replacing(target) as unfinished:
        unfinished.touch()  # llama.cpp would not tell why it cannot write there
        _convert(source, unfinished, kind, threads, compute)
        with unfinished.open("rb+") as file:
            os.fsync(file)  # or a power cut could leave its name and nothing in it
    return target


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def _convert(source: Path, target: Path, kind: Kind, threads: int | None, compute: Compute) -> None:
    llama_cpp = quiet_api()
    options = llama_cpp.llama_model_quantize_default_params()
    options.allow_requantize = True
    options.nthread = threads or available_cores()
    if kind == "iq4_nl":
        options.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
        found = compute(lambda: importance(LlamaModel(source), threads=threads))  # llama.cpp reads it from there
        options.imatrix = _table(
            llama_cpp.llama_model_imatrix_data,
            [
                (name.encode(), row.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), len(row))
                for name, row in found.items()
            ],
        )
        down = llama_cpp.GGML_TYPE_Q4_K if _fits_q4_k(found) else llama_cpp.GGML_TYPE_IQ4_NL
        options.tt_overrides = _table(
            llama_cpp.llama_model_tensor_override,
            [(b"ffn_(gate|up)", llama_cpp.GGML_TYPE_IQ4_NL), (b"ffn_down", down)],
        )
    else:
        options.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind.upper()}")
    if llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(options)):
        raise ModelUnusable(f"llama.cpp cannot write {source} as {kind}: no space, or not a model it can convert")


def _fits_q4_k(found: Importance) -> bool:
    """Whether the matrices that lead out of a layer can have four bits with an offset, which suit them better: that
    goes by 256 inputs at a time."""
    widths = [len(row) for name, row in found.items() if "ffn_down" in name]
    return bool(widths) and all(width % 256 == 0 for width in widths)


def _table(kind: Any, rows: Sequence[tuple[object, ...]]) -> Any:
    """As C has it: the end is a row of nothing."""
    return (kind * (len(rows) + 1))(*rows)


def compared(paths: tuple[Path, Path], *, threads: int | None = None, rounds: int = 5) -> tuple[Figures, Figures]:
    """Both forms measured in one run, alternating, so that a noisy machine is unfair to both."""
    models = [LlamaModel(path) for path in paths]
    ids = models[0].tokenise(PASSAGE, False)[: _CONTEXT - 64]
    with contextlib.ExitStack() as stack:
        devices = [
            stack.enter_context(contextlib.closing(LlamaDevice(model, cells=_CONTEXT, threads=threads)))
            for model in models
        ]
        read = _alternating(devices, lambda device: reading_speed(device, ids[:512]), rounds)
        written = _alternating(devices, lambda device: writing_speed(device, ids[:64]), rounds)
        one, two = (
            Figures(path, path.stat().st_size, reading, writing, perplexity(device, ids))
            for path, device, reading, writing in zip(paths, devices, read, written, strict=True)
        )
    return one, two


def _alternating(devices: Sequence[LlamaDevice], measure: Callable[[LlamaDevice], float], rounds: int) -> list[Spread]:
    for device in devices:
        measure(device)  # pages come in from the disk, threads wake up
    rows = [[measure(device) for device in devices] for _ in range(rounds)]
    return [Spread(statistics.median(c), min(c), max(c)) for c in zip(*rows, strict=True)]
