"""A run at every save of a real file, by way of what editors do to it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import Generator, ScriptedGenerator
from pipeline.cli.flags.manifesto_files import ManifestoFiles
from pipeline.cli.tune.following import follow
from pipeline.tuning import Answered, Began, Difference, Edit, Ended, Made, Unusable
from pipeline.tuning.saves import AWAY
from tests.pipeline.tuning.desk import Desk, Gate, words


class Enough(BaseException):
    """Ends it, as Ctrl-C does."""


class Followed:
    """A desk whose file is followed in a thread."""

    def __init__(self, folder: Path, generator: Generator | None) -> None:
        self.desk = Desk(folder, generator or ScriptedGenerator(["Bad words.", "Good words."]))
        self.over = threading.Event()

    def make(self) -> Made:
        if self.over.is_set():
            raise Enough
        return self.desk.made()

    def save(self, text: str) -> None:
        """As editors do that write into the file."""
        self.desk.file.write_text(text)

    def replace(self, text: str) -> None:
        """As editors do that write another file and give it the name."""
        other = self.desk.file.with_suffix(".tmp")
        other.write_text(text)
        os.replace(other, self.desk.file)

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, self.desk.events
            time.sleep(0.01)

    def ended(self, times: int) -> Ended:
        """What the last of so many runs came to."""
        self.until(lambda: len(self.desk.of(Ended)) >= times)
        return self.desk.of(Ended)[times - 1]


@contextmanager
def following(folder: Path, rules: str, generator: Generator | None = None) -> Iterator[Followed]:
    followed = Followed(folder, generator)
    followed.desk.write(rules)
    raised: list[BaseException] = []

    def work() -> None:
        try:
            follow(followed.desk.tuner, ManifestoFiles([str(followed.desk.file)]), followed.make)
        except BaseException as exc:  # noqa: BLE001  # looked at below
            raised.append(exc)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        if generator is None:
            followed.ended(1)
        yield followed
    finally:
        followed.over.set()
        followed.save("anything")
        thread.join(30)
    assert [type(exc) for exc in raised] == [Enough]


def text(forbidden: str) -> str:
    return f'name: ours\nversion: "1"\nrules:\n{words(forbidden)}'


def test_a_save_is_told(tmp_path: Path) -> None:
    """What it changes, and how many pass now."""
    with following(tmp_path, words("never")) as followed:
        followed.save(text("bad"))
        ended = followed.ended(2)
        (told,) = followed.desk.of(Difference)
        assert ([j.rule.id for j in told.broken], told.passed) == (["words"], (True, False))
        assert (ended.after.passed, ended.spent.drafts) == (1, 0)
        assert 0 <= told.seconds <= ended.seconds


def test_a_save_while_a_run_is_under_way_stops_it(tmp_path: Path) -> None:
    """The newest is what is shown, and of the other nothing more."""
    gate = Gate()
    with following(tmp_path, words("good"), gate) as followed:
        assert gate.waits.wait(30)
        followed.save(text("bad"))
        assert followed.ended(1).after.passed == 0
        assert [told.edited for told in followed.desk.of(Began)] == [None, (Edit("patterns", "words"),)]
        assert [told.number for told in followed.desk.of(Answered)] == [1, 2]
        assert [told.number for told in followed.desk.of(Difference)] == [1]


def test_a_broken_save_lets_a_run_go_on(tmp_path: Path) -> None:
    """It is still about the last good one."""
    gate = Gate()
    with following(tmp_path, words("good"), gate) as followed:
        assert gate.waits.wait(30)
        followed.save("name: [")
        followed.until(lambda: bool(followed.desk.of(Unusable)))
        gate.goes_on.set()
        assert followed.ended(1).after.passed == 2


def test_a_file_that_is_replaced_is_followed(tmp_path: Path) -> None:
    """Twice, since the second time it is another file."""
    with following(tmp_path, words("never")) as followed:
        followed.replace(text("bad"))
        assert followed.ended(2).after.passed == 1
        followed.replace(text("words"))
        assert followed.ended(3).after.passed == 0


def test_a_broken_edit_says_where_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """What was good before is what the next good one is compared with."""
    with following(tmp_path, words("never")) as followed:
        followed.save(text("bad").replace("rules:", "rulez:"))
        followed.until(lambda: bool(followed.desk.of(Unusable)))
        assert "manifesto.yaml:3:1: unknown key `rulez`; did you mean `rules`?" in followed.desk.of(Unusable)[0].why
        followed.save("name: [")
        followed.until(lambda: len(followed.desk.of(Unusable)) == 2)
        assert "manifesto.yaml:2:1: not YAML" in followed.desk.of(Unusable)[1].why
        followed.save(text("bad"))
        assert followed.ended(2).before == followed.ended(1).after
        assert followed.desk.of(Began)[-1].edited == (Edit("patterns", "words"),)


def test_a_file_that_is_still_empty_is_being_written(tmp_path: Path) -> None:
    """Editors truncate it first, and on a busy machine the rest is long in coming."""
    with following(tmp_path, words("never")) as followed:
        followed.save("")
        time.sleep(AWAY / 4)
        followed.save(text("bad"))
        assert followed.ended(2).after.passed == 1
        assert not followed.desk.of(Unusable)


def test_a_file_that_vanishes_and_returns(tmp_path: Path) -> None:
    """It cannot be used while it is away; then it is taken up again."""
    with following(tmp_path, words("never")) as followed:
        followed.desk.file.unlink()
        followed.until(lambda: bool(followed.desk.of(Unusable)))
        assert "cannot be read" in followed.desk.of(Unusable)[0].why
        followed.save(text("bad"))
        assert followed.ended(2).after.passed == 1
        assert len(followed.desk.of(Unusable)) == 1


def test_a_save_of_what_it_builds_on_is_one(tmp_path: Path) -> None:
    """Though its own file is as it was."""
    base = tmp_path / "base.yaml"
    base.write_text(text("never"))
    child = 'name: child\nversion: "1"\nextends: ./base.yaml\n'
    with following(tmp_path, words("other")) as followed:
        followed.save(child)
        followed.ended(2)
        base.write_text(text("bad"))
        assert followed.ended(3).after.passed == 1


def test_what_breaks_a_run_is_raised(tmp_path: Path) -> None:
    """Nobody watches for ever what has stopped working: that the output is gone, for one."""

    def gone(event: object) -> None:
        raise BrokenPipeError

    desk = Desk(tmp_path, ScriptedGenerator(["Bad words."]), heard=gone)
    desk.write(words("bad"))
    with pytest.raises(BrokenPipeError):
        follow(desk.tuner, ManifestoFiles([str(desk.file)]), desk.made)
