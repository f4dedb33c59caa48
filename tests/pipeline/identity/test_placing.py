"""Where an adapter goes that has been measured."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import OutputFault
from pipeline.identity.gate import Gate
from pipeline.identity.placing import placed

GOOD, BAD = Gate(0.2, 0.1, 1.0), Gate(0.2, 0.3, 1.0)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    file = tmp_path / "work" / "a.gguf"
    file.parent.mkdir()
    file.write_text("anew")
    return file


def test_a_link_stays_one_and_who_may_read_its_file_stays(adapter: Path, tmp_path: Path) -> None:
    """As with all else that is written."""
    (tmp_path / "elsewhere").mkdir()
    file, link = tmp_path / "elsewhere" / "house.gguf", tmp_path / "a.gguf"
    file.touch(0o600)
    link.symlink_to(file)
    assert placed(adapter, link, GOOD) == link
    assert link.is_symlink()
    assert [(path, path.read_text(), path.stat().st_mode & 0o777) for path in file.parent.iterdir()] == [
        (file, "anew", 0o600)
    ]


@pytest.mark.parametrize("gate", [GOOD, BAD], ids=["passed", "rejected"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a pipe"])
def test_what_is_no_file_is_left_alone(make: Callable[[Path], None], gate: Gate, adapter: Path, tmp_path: Path) -> None:
    """Whatever came to be there meanwhile."""
    place = tmp_path / ("a.rejected.gguf" if gate.faults else "a.gguf")
    make(place)
    was = place.stat()
    with pytest.raises(OutputFault, match="cannot be written: it is no file"):
        placed(adapter, tmp_path / "a.gguf", gate)
    assert (place.stat().st_ino, place.stat().st_mode) == (was.st_ino, was.st_mode)
    assert adapter.read_text() == "anew"
