"""Stopped anywhere and run again, a batch comes out as if it had never been stopped."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline import BadInput, DraftRequest, Pieces
from pipeline.batch import Batch, Event, Input, Writing
from tests.pipeline.batch.running import Echo, batch, go, lines, pipeline, prompts, read, timeless

TWO = lines({"id": 1, "prompt": "a"}, {"id": 2, "prompt": "b"})


def interrupted(folder: Path, given: bytes = TWO, after: int = 1, **options: Any) -> Batch:
    job = batch(folder, given, **options)
    with pytest.raises(KeyboardInterrupt):
        go(job, pipeline(Echo(stop_after=after)))
    assert not (folder / "out.jsonl").exists()
    return job


def test_the_journal_is_its_owners_and_the_output_what_the_umask_makes_it(tmp_path: Path) -> None:
    """What is under way is nobody else's business; the output is for whom the user lets read what they write."""
    before = os.umask(0o022)
    try:
        job = interrupted(tmp_path)
        assert stat.S_IMODE(job.output.journal.stat().st_mode) == 0o600
        go(job)
    finally:
        os.umask(before)
    assert stat.S_IMODE(job.output.path.stat().st_mode) == 0o644


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After an interruption nothing is asked twice, and the result is as if nothing had happened."""
    go(batch(tmp_path, prompts(10), "whole.jsonl"))
    job, rest = interrupted(tmp_path, prompts(10), after=4), Echo()
    assert go(job, pipeline(rest)).resumed == 4
    assert rest.asked == [f"prompt {i}" for i in range(4, 10)]
    whole, out = read(tmp_path / "whole.jsonl"), read(tmp_path / "out.jsonl")
    assert [timeless(r) for r in out] == [timeless(r) for r in whole]


@pytest.mark.parametrize("in_place", [True, False])
def test_an_input_that_is_written_to_while_it_is_read_is_told(tmp_path: Path, in_place: bool) -> None:
    """Rather than given out as if it were one input. Put back, it is gone on with; another file in its place is none
    that was read."""
    job, file = batch(tmp_path, TWO), tmp_path / "in.jsonl"

    class Editor(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            other = file if in_place else tmp_path / "other.jsonl"
            other.write_bytes(b"".join(reversed(TWO.splitlines(keepends=True))))
            other.replace(file)
            return super().__call__(request)

    if not in_place:
        assert go(job, pipeline(Editor())).statuses == {"released": 2}
        return
    with pytest.raises(BadInput, match=r"in\.jsonl was written to while it was read, .* run the same command, or"):
        go(job, pipeline(Editor()))
    file.write_bytes(TWO)
    assert go(job, pipeline(rest := Echo())).statuses == {"released": 2}
    assert rest.asked == []


def test_strict_is_strict_about_what_was_done_before(tmp_path: Path) -> None:
    """A run that was begun without it does not end with a fault; without it, it still can."""
    job = interrupted(tmp_path, lines({"id": 1}, {"prompt": "a"}, {"prompt": "b"}))
    with pytest.raises(BadInput, match=r"line 1: neither `prompt` nor `messages`: it has `id`"):
        go(replace(job, strict=True))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.journal"]
    assert go(job).statuses == {"faulted": 1, "released": 2}


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The journal is gone with the run that finished."""
    go(interrupted(tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_run_that_came_to_nothing_is_in_nobodys_way(tmp_path: Path) -> None:
    """A typo in the input's name, or in its column's, can be mended."""
    job = batch(tmp_path, TWO, facts={"column": "prompt"})
    with pytest.raises(BadInput, match="typo"):
        go(replace(job, input=Input(str(tmp_path / "typo.jsonl")), facts={"column": "question"}))
    assert go(job).statuses == {"released": 2}


def test_what_was_to_be_replaced_still_is(tmp_path: Path) -> None:
    """Where a run that was to begin anew came to nothing, the same command without `--restart` goes on."""
    job = batch(tmp_path, TWO)
    go(job)
    (tmp_path / "typo.csv").write_text("question\nWhy?\n")
    with pytest.raises(BadInput, match="prompt"):
        go(replace(job, input=Input(str(tmp_path / "typo.csv")), restart=True))
    assert go(job).statuses == {"released": 2}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"manifesto": "y", "seed": 1}, r"another manifesto \(x, now y\): finish it as it was begun, or --restart"),
        ({"manifesto": "x", "seed": 2}, r"another seed \(1, now 2\):"),
    ],
)
def test_another_run_is_not_mixed_in(tmp_path: Path, facts: dict[str, object], said: str) -> None:
    """What was begun under other rules or another seed is left alone, and it is said what is other."""
    job = interrupted(tmp_path, facts={"manifesto": "x", "seed": 1})
    before = job.output.journal.read_bytes()
    with pytest.raises(BadInput, match=said):
        go(replace(job, facts=facts))
    assert job.output.journal.read_bytes() == before


@pytest.mark.parametrize(
    "edited", [TWO.replace(b'"a"', b'"edited"'), TWO + lines({"prompt": "c"}), TWO.splitlines(keepends=True)[0]]
)
def test_an_edited_input_is_noticed(tmp_path: Path, edited: bytes) -> None:
    """Also where nothing that was answered has changed."""
    interrupted(tmp_path)
    with pytest.raises(BadInput, match="another input"):
        go(batch(tmp_path, edited))


def fed(job: Batch, given: bytes) -> Batch:
    """The same, of what comes from a pipe."""
    pipe = job.output.path.with_name("pipe")
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)

    def feed() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(given)

    threading.Thread(target=feed, daemon=True).start()
    return replace(job, input=Input(str(pipe)))


def test_a_pipe_is_compared_record_by_record(tmp_path: Path) -> None:
    """What can be read only once has no hash beforehand: the old answer does not stand beside another prompt."""
    job = interrupted(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        go(replace(fed(job, TWO), restart=True), pipeline(Echo(stop_after=1)))
    with pytest.raises(BadInput, match="line 1 is not what it was"):
        go(fed(job, TWO.replace(b'"a"', b'"x"')))
    assert go(fed(job, TWO)).resumed == 1
    assert [r["id"] for r in read(tmp_path / "out.jsonl")] == [1, 2]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (TWO.replace(b'"b"', b'"x"'), "line 2 is not what it was"),
        (TWO.splitlines(keepends=True)[0], "2 records are done and the input has 1"),
        (TWO + lines({"prompt": "c"}), "2 records are done, which is all there were, and the input goes on at line 3"),
    ],
    ids=["edited", "shorter", "longer"],
)
def test_a_pipe_is_compared_also_where_all_is_done(tmp_path: Path, other: bytes, said: str) -> None:
    """The answers that are kept do not come out as those to other prompts, and the same pipe gets them."""
    job = batch(tmp_path, TWO)

    def stopped(event: Event) -> None:
        if isinstance(event, Writing):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(fed(job, TWO), observe=stopped)
    with pytest.raises(BadInput, match=said):
        go(fed(job, other))
    rest = Echo()
    assert go(fed(job, TWO), pipeline(rest)).resumed == 2
    assert ([r["id"] for r in read(tmp_path / "out.jsonl")], rest.asked) == ([1, 2], [])


def test_a_manifesto_that_records_name_is_not_another_halfway(tmp_path: Path) -> None:
    """One batch is judged by one version of each."""
    given = lines(*({"prompt": str(i), "manifesto": "own"} for i in range(3)))
    job = batch(tmp_path, given)
    with pytest.raises(KeyboardInterrupt):
        go(job, named={"own": pipeline(Echo(stop_after=1))})
    with pytest.raises(BadInput, match="the manifesto own has changed"):
        go(job, named={"own": pipeline(version="2")})


@pytest.mark.parametrize("name", ["my rules.yaml", "two\nlines", "ü"])
def test_any_name_of_a_manifesto_can_be_gone_on_with(tmp_path: Path, name: str) -> None:
    """Blanks and line ends in it are no part of the journal's own grammar."""
    job, named = batch(tmp_path, lines(*({"prompt": str(i), "manifesto": name} for i in range(3)))), pipeline()
    with pytest.raises(KeyboardInterrupt):
        go(job, named={name: pipeline(Echo(stop_after=1))})
    assert go(job, named={name: named}).resumed == 1
    assert [r["status"] for r in read(tmp_path / "out.jsonl")] == ["released"] * 3


def test_the_same_bytes_read_in_another_format_are_another_input(tmp_path: Path) -> None:
    """The old answers are not those to what is asked now."""
    job = interrupted(tmp_path)
    with pytest.raises(BadInput, match="another format"):
        go(replace(job, input=Input(job.input.name, form="lines")))


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    """Not even with `restart`, nor by another name for it."""
    job = batch(tmp_path, TWO, "in.jsonl", restart=True)
    (tmp_path / "other.jsonl").hardlink_to(tmp_path / "in.jsonl")
    for output in (job.output, replace(job.output, path=tmp_path / "other.jsonl")):
        with pytest.raises(BadInput, match="is the input"):
            go(replace(job, output=output))
    assert (tmp_path / "in.jsonl").read_bytes() == TWO


def test_what_came_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """A night is long: somebody else may have put something there. All is kept, and it says so, and advises nothing
    that would do it again."""
    job = batch(tmp_path, TWO)

    def meanwhile(event: Event) -> None:
        if isinstance(event, Writing):
            job.output.path.write_text("precious")

    goes_on = "is there already: move it away; 2 records are kept, and the same command, without --restart, goes on$"
    for observe in (meanwhile, lambda _: None):
        with pytest.raises(BadInput, match=goes_on):
            go(job, observe=observe)
    assert job.output.path.read_text() == "precious"
    job.output.path.unlink()
    assert go(job).resumed == 2


def test_restart_begins_anew_and_replaces_in_the_end(tmp_path: Path) -> None:
    """An earlier output stays until the new one is whole, also where that is stopped and gone on with."""
    old = batch(tmp_path, TWO)
    go(old)
    first = (tmp_path / "out.jsonl").read_bytes()
    with pytest.raises(BadInput, match="is there already"):
        go(old)
    job = batch(tmp_path, prompts(3), restart=True)
    with pytest.raises(KeyboardInterrupt):
        go(job, pipeline(Echo(stop_after=1)))
    assert (tmp_path / "out.jsonl").read_bytes() == first
    assert go(replace(job, restart=False)).resumed == 1
    assert [r["id"] for r in read(tmp_path / "out.jsonl")] == ["p0", "p1", "p2"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    """It may have cost a night."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(BadInput, match="is not replaced"):
        go(batch(tmp_path, TWO, "out", restart=True, shard=1))
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_a_folder_in_the_way_of_the_output_is_not_cleared(tmp_path: Path) -> None:
    """It is told before anything is asked."""
    (tmp_path / "out.jsonl.writing").mkdir()
    (tmp_path / "out.jsonl.writing" / "thesis.txt").write_text("precious")
    echo = Echo()
    with pytest.raises(BadInput, match=r"out\.jsonl\.writing is in the way of the output"):
        go(batch(tmp_path, TWO), pipeline(echo))
    assert ((tmp_path / "out.jsonl.writing" / "thesis.txt").read_text(), echo.asked) == ("precious", [])


def test_killed_between_the_output_and_the_end_of_the_journal(tmp_path: Path) -> None:
    """The output is there, and the next run sees that it is its own."""
    job = interrupted(tmp_path)

    class Killed(BaseException):
        pass

    def killed(_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.batch.keeping.journal.Journal.remove", killed)
        with pytest.raises(Killed):
            go(job)
    assert job.output.journal.exists()
    before = (tmp_path / "out.jsonl").stat()
    assert go(job).records == 2
    assert (tmp_path / "out.jsonl").stat().st_ino == before.st_ino
    assert not job.output.journal.exists()


KILLED = """
import sys, time
from pathlib import Path
from tests.pipeline.batch.running import Echo, Batch, go, pipeline
from pipeline.batch import Input, Output

class Slow(Echo):
    def __call__(self, request):
        time.sleep(0.002)
        with open(sys.argv[2] + ".asked", "a") as asked:
            asked.write(request.messages[-1].content + "\\n")
        yield from super().__call__(request)

go(Batch(Input(sys.argv[1]), Output(Path(sys.argv[2]))), pipeline(Slow()), workers=4)
"""


def test_killed_at_ten_random_instants(tmp_path: Path, root: Path) -> None:
    """kill -9, and the same command again: every id once, in order, with the answers of a run that was never stopped,
    and what is under way at a kill is all that is ever asked again."""
    count, out, random = 400, tmp_path / "out.jsonl", Random(6)
    whole = batch(tmp_path, prompts(count), "whole.jsonl")
    go(whole)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "in.jsonl"), str(out)]
    env = {**os.environ, "PYTHONPATH": str(root)}
    kills = 0
    while not out.exists():
        process = subprocess.Popen(command, env=env, cwd=root)
        journal, before = tmp_path / "out.jsonl.journal", time.monotonic()
        began = journal.stat().st_size if journal.exists() else 0
        more = random.randrange(1, 30_000)
        while kills < 10 and process.poll() is None and time.monotonic() - before < 60:
            if journal.exists() and journal.stat().st_size > began + more:
                process.kill()
                kills += 1
                break
            time.sleep(random.random() / 500)
        process.wait(timeout=120)
    assert kills >= 5
    assert [timeless(r) for r in read(out)] == [timeless(r) for r in read(tmp_path / "whole.jsonl")]
    asked = (tmp_path / "out.jsonl.asked").read_text().splitlines()
    assert count <= len(asked) <= count + kills * 8
