"""Lessons in a file, of plain arrays."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pipeline.errors import BadInput
from pipeline.files.replacing import replacing
from pipeline.identity.lessons.lesson import LIKELY, Gathered, Lesson

_TOKENS = ("told", "prompts", "answers")

_DAMAGED = (
    OSError, EOFError, ValueError, KeyError, IndexError, TypeError, RuntimeError, BadZipFile, zlib.error
)  # fmt: skip
"""What numpy and zipfile raise, depending on where a file was cut or changed."""


def write_lessons(path: Path, gathered: Gathered) -> None:
    """Atomically. Raises `OutputFault`."""
    lessons = gathered.lessons
    with replacing(path) as part, part.open("wb") as file:
        np.savez(
            file,
            counts=np.array([gathered.asked, gathered.passed, gathered.mended]),
            told=_flat([lesson.told for lesson in lessons]),
            prompts=_flat([lesson.prompt for lesson in lessons]),
            answers=_flat([lesson.answer for lesson in lessons]),
            lengths=np.array([(len(x.told), len(x.prompt), len(x.answer)) for x in lessons], np.int32).reshape(-1, 3),
            likely=np.concatenate([np.zeros((0, LIKELY), np.int32), *(x.likely for x in lessons)]),
            logs=np.concatenate([np.zeros((0, LIKELY), np.float32), *(x.logs for x in lessons)]),
            accepted=np.array([lesson.accepted for lesson in lessons], np.bool_),
            struck=np.array([lesson.struck for lesson in lessons], np.bool_),
        )


def read_lessons(path: Path) -> Gathered:
    """What `write_lessons` wrote. Raises `BadInput`."""
    try:
        with path.open("rb") as file:
            arrays = dict(np.load(file))
        lengths = arrays["lengths"].T
        told, prompts, answers = (_apart(arrays[key], many) for key, many in zip(_TOKENS, lengths, strict=True))
        likely, logs = (_apart(arrays[key], lengths[2]) for key in ("likely", "logs"))
        lessons = tuple(
            Lesson(
                tuple(a.tolist()), tuple(b.tolist()), tuple(c.tolist()), places, values, bool(accepted), bool(struck)
            )
            for a, b, c, places, values, accepted, struck in zip(
                told, prompts, answers, likely, logs, arrays["accepted"], arrays["struck"], strict=True
            )
        )
        asked, passed, mended = arrays["counts"].tolist()
    except _DAMAGED as exc:
        raise BadInput(f"{path} is damaged: begin anew with --restart") from exc
    return Gathered(lessons, asked, passed, mended)


def _flat(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    return np.array([token for row in rows for token in row], np.int32)


def _apart(values: npt.NDArray[np.generic], lengths: npt.NDArray[np.int32]) -> list[npt.NDArray[np.generic]]:
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return [values[begin:end] for begin, end in pairwise(ends)]
