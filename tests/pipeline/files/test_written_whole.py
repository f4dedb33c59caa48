"""A file is written whole or not at all."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig

from pipeline.errors import OutputFault
from pipeline.evaluation.calibrating import write_overlay
from pipeline.files.lora_file import write_lora
from pipeline.files.replacing import replacing, writing
from pipeline.identity import write_state
from pipeline.identity.lessons.kept import write_lessons
from pipeline.identity.lessons.lesson import Gathered
from pipeline.identity.made import Made
from pipeline.identity.state_file import State
from pipeline.training.peft_folder import write_peft
from pipeline.training.run import Saved

STATE = State(Made("state", "mill", "hash", "words"), "weights", "layout", (1, 2), np.zeros(4096, np.uint8))
PAIR = {f"blk.0.ffn_down.weight.lora_{side}": np.zeros((4, 256), np.float32) for side in "ab"}

WRITERS: dict[str, Callable[[Path], None]] = {
    "a manifesto": lambda path: write_overlay(path, "# many words\n" * 100, trusted=()),
    "a state": lambda path: write_state(path, STATE),
    "lessons": lambda path: write_lessons(path, Gathered((), 3, 0, 0)),
    "an adapter": lambda path: write_lora(path, PAIR, alpha=4.0, name="a", metadata={}),
    "a check of a training": lambda path: Saved(path, "key").write({"now": torch.zeros(4096)}),
}


@pytest.fixture
def full() -> Iterator[None]:
    """Of no file more than the beginning can be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("what", WRITERS)
def test_what_does_not_fit_leaves_the_old_file_alone(what: str, tmp_path: Path) -> None:
    """Its beginning is not left beside it either."""
    file = tmp_path / "file"
    file.write_text("of yesterday")
    with pytest.raises(OutputFault, match=r"file cannot be written: \S"):
        WRITERS[what](file)
    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(file, "of yesterday")]


def test_two_that_write_at_once_do_not_meet(tmp_path: Path) -> None:
    """Also in one process: each file is whole, and the last stays."""
    file = tmp_path / "file"
    with replacing(file) as first:
        first.write_text("first")
        with replacing(file) as second:
            second.write_text("second")
        assert file.read_text() == "second"
    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(file, "first")]


def test_who_is_stopped_in_the_midst_of_it_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C is no fault of the disk, and goes on its way."""

    def stopped(path: Path) -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere/file")
    for text in ("first", "second"):
        with replacing(tmp_path / "link") as part:
            part.write_text(text)
        assert (tmp_path / "link").is_symlink()
        assert [(file.name, file.read_text()) for file in (tmp_path / "elsewhere").iterdir()] == [("file", text)]


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path)], ids=["a folder", "a pipe"])
def test_what_is_no_file_is_left_alone(make: Callable[[Path], None], tmp_path: Path) -> None:
    """`/dev/null` would be replaced where root names it. It is refused before anything is written."""
    make(tmp_path / "out")
    was = (tmp_path / "out").stat()
    with pytest.raises(OutputFault, match="out cannot be written: it is no file"), replacing(tmp_path / "out"):
        pytest.fail("it began")
    assert [(path.name, path.stat().st_ino, path.stat().st_mode) for path in tmp_path.iterdir()] == [
        ("out", was.st_ino, was.st_mode)
    ]


def test_who_may_read_it_stays(tmp_path: Path) -> None:
    """A file that is its owner's alone is not everybody's once it is written anew."""
    file = tmp_path / "file"
    for mode in (0o600, 0o664):
        file.touch()
        file.chmod(mode)
        with replacing(file) as part:
            part.write_text("anew")
        assert (file.read_text(), file.stat().st_mode & 0o777) == ("anew", mode)


def test_what_a_killed_training_left_goes_when_it_is_done(tmp_path: Path) -> None:
    """Its checks are large, and hidden; what is another's stays."""
    saved = Saved(tmp_path / "a[1].state", "key")
    saved.write({"now": 1})
    for name in (".a[1].state.0a1b2c3d.part", ".a1.state.0a1b2c3d.part", "other"):
        (tmp_path / name).touch()
    saved.forget()
    assert {path.name for path in tmp_path.iterdir()} == {".a1.state.0a1b2c3d.part", "other"}


def test_half_an_adapter_for_peft_does_not_take_the_place_of_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in a folder of its own, beside its configuration."""
    tensors, config = {"a.default.weight": torch.zeros(4)}, LoraConfig(target_modules=["a"])
    write_peft(tmp_path, tensors, config, base="b")
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def half(path: Path, content: bytes) -> None:
        path.write_text("half")
        raise OSError("no room")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OutputFault, match="cannot be written: no room"):
        write_peft(tmp_path, {"a.default.weight": torch.ones(4)}, config, base="b")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == whole


def test_a_fault_without_words_of_the_system_is_told_in_its_own() -> None:
    """A library's, or an `OSError` that somebody made: it does not end in "None"."""
    for fault in (OSError("odd"), ValueError("odd")):
        with pytest.raises(OutputFault, match=r"^file cannot be written: odd$"), writing(Path("file"), ValueError):
            raise fault


def test_who_may_read_a_file_is_as_for_any_other(tmp_path: Path) -> None:
    """Not its writer alone, as for a temporary file."""
    (tmp_path / "plain").touch()
    with replacing(tmp_path / "file") as part:
        part.touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
