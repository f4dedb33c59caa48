"""The folder that `superego identity build lora` works in: one run's alone, where a stopped one finds what it had."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.batch.keeping.disk import locked
from pipeline.errors import BadInput, OutputFault
from pipeline.files.replacing import writing
from pipeline.identity.made import rejected_folder

_KEY = "key"
"""A file in it that says whose it is. Who works in the folder holds it locked."""


@contextmanager
def work_folder(out: Path, key: str, *, restart: bool = False) -> Iterator[Path]:
    """Beside `out`, with what a stopped run of this key left there, and empty where that was another one. It goes when
    the work is done. Raises `BadInput` where it is somebody else's, or a run is at work in it; `OutputFault`."""
    folder = _beside(out)
    lock = _opened(folder, out)
    try:
        _claim(folder, lock, key, restart)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def refuse_folder(folder: Path, out: Path) -> None:
    """Raise `BadInput` where what PEFT keeps of an adapter cannot be in this folder, or would go with the work's."""
    for place in (folder, rejected_folder(folder)):
        if (os.path.lexists(place) and not place.is_dir()) or not place.parent.is_dir():
            raise BadInput(f"--peft {folder}: give a folder, in one that exists ({place} is none)")
    work = _beside(out)
    if work.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise BadInput(f"--peft {folder}: {work} goes once the adapter is there, so give another folder")


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.name}.work")


def _opened(folder: Path, out: Path) -> int:
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / _KEY).is_file() and any(folder.iterdir()):
            raise FileExistsError
        return locked(folder / _KEY)
    except FileExistsError:
        message = f"{folder} is in the way: it would be written over, and `identity build` did not make it"
        raise BadInput(message) from None
    except BadInput as exc:
        raise BadInput(f"another run is building {out}: wait for it, or give another --out") from exc
    except OSError as exc:
        raise OutputFault(f"{folder} cannot be written: {exc.strerror}") from exc


def _claim(folder: Path, lock: int, key: str, restart: bool) -> None:
    kept = folder / _KEY
    with writing(folder):
        if kept.read_bytes() == key.encode() and not restart:
            return
        os.ftruncate(lock, 0)  # a run that is killed between here and the end begins anew
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != kept:
                entry.unlink()
        os.write(lock, key.encode())
