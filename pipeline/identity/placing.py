"""An adapter takes the place of an earlier one when it has been measured, and only if it may be used."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.files.replacing import replacing, writing
from pipeline.identity.gate import Gate
from pipeline.identity.made import rejected_folder


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """A place for what is to be measured before it is `out`: in the same folder, so that it can be moved, and gone with
    the context. Raises `OutputFault`."""
    with writing(out):
        folder = tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent)
    with folder as name:
        yield Path(name) / out.name


def placed(adapter: Path, out: Path, gate: Gate) -> Path:
    """Move an adapter to `out`, or, if it is not to be used, to a name beside it that says so; where it is then. Raises
    `OutputFault`."""
    place = out.with_stem(f"{out.stem}.rejected") if gate.faults else out
    with replacing(place) as part:
        shutil.move(adapter, part)  # which a link may have led to another disk
    return place


def placed_folder(made: Path, folder: Path, gate: Gate) -> Path:
    """Copy an adapter as PEFT keeps one to `folder`, or, if it is not to be used, to one beside it that says so; where
    it is then. Raises `OutputFault`."""
    place = rejected_folder(folder) if gate.faults else folder
    with writing(place):
        place.mkdir(exist_ok=True)
    for file in made.glob("adapter_*"):  # and nothing that a run which was killed left beside them
        with replacing(place / file.name) as part:
            shutil.copyfile(file, part)
    return place
