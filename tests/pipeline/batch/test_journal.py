from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import BadInput, OutputFault
from pipeline.batch.keeping import AHEAD, Journal
from pipeline.batch.keeping.entry import Entry, fact_line
from pipeline.batch.keeping.ordered import Done, ordered

RECORDS = [{"id": f"p{i}", "answer": "é\n\ud800 " * (i % 4), "line": i} for i in range(12)]
ORDER = [3, 0, 1, 5, 2, 4, 8, 6, 11, 7, 9, 10]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal, as bytes, of records that were done out of order."""
    path = tmp_path_factory.mktemp("journal") / "j"
    with Journal(path) as journal:
        journal.note({"manifesto": "x", "begun": 5})
        for position in ORDER:
            journal.add(position, f"mark{position}", RECORDS[position])
    return path.read_bytes()


def recovered(data: bytes) -> tuple[dict[str, Any], dict[int, Any], int]:
    """Facts, records by position, and how many bytes were cut off, of a journal that holds these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        path.write_bytes(data)
        with Journal(path) as journal:
            entries = list(journal.entries())
            assert len(journal.done) == len(entries)
            assert all(entry.mark == f"mark{entry.position}" for entry in entries)
            assert [e.position for e in entries] == sorted(e.position for e in entries)
            return dict(journal.facts), {e.position: journal.record(e) for e in entries}, journal.lost


@given(cut=st.integers(0, 10_000), garbage=st.binary(max_size=40))
def test_a_crash_at_any_byte_loses_nothing_that_was_whole(whole: bytes, cut: int, garbage: bytes) -> None:
    """What stands before the cut is there as it was written, whatever the disk holds behind it, and nothing else is."""
    cut = min(cut, len(whole))
    lines = whole[:cut].count(b"\n")
    facts, records, _ = recovered(whole[:cut] + (garbage if lines else b""))
    assert list(facts) == ["manifesto", "begun"][: max(0, lines - 1)]
    assert records == {position: RECORDS[position] for position in ORDER[: max(0, lines - 3)]}


@given(data=st.data())
def test_a_changed_byte_is_never_read_as_a_record(whole: bytes, data: st.DataObject) -> None:
    """It ends what is believed; what stands before it stays."""
    head = whole.index(b"\n") + 1
    place = data.draw(st.integers(head, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    before = whole[:place].count(b"\n")
    _, records, lost = recovered(bytes(changed))
    assert records == {position: RECORDS[position] for position in ORDER[: max(0, before - 3)]}
    assert lost > 0


@given(
    order=st.permutations(range(12)),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_stopped_and_gone_on_with_it_is_whole(order: list[int], cuts: list[int]) -> None:
    """However often it was cut short in between, in the end each record is there once, in order."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        for cut in [*cuts, 0]:
            with Journal(path) as journal:
                for position in order:
                    if position not in journal.done:
                        journal.add(position, "", RECORDS[position])
            data = path.read_bytes()
            path.write_bytes(data[: len(data) - cut])
        with Journal(path) as journal:
            assert [journal.record(entry) for entry in journal.entries()] == RECORDS


@given(data=st.data())
def test_done_out_of_order_and_read_in_order(data: st.DataObject) -> None:
    """Any order that a runner may work in is put right, with gaps or without."""
    done, written = Done(), []
    total = data.draw(st.integers(1, 3 * AHEAD))
    random = data.draw(st.randoms(use_true_random=False))
    open_: list[int] = []
    upcoming = iter(range(total))
    while True:
        while len(open_) < 2000 and (nxt := next(upcoming, None)) is not None:
            open_.append(nxt)
        allowed = [p for p in open_[: 2 * AHEAD] if p < done.first_open + AHEAD]
        if not allowed or random.random() < 0.0001:
            break
        # Mostly the last ones, so that the first is held up for as long as may be.
        position = allowed[-1] if random.random() < 0.9 else random.choice(allowed)
        open_.remove(position)
        done.add(position)
        written.append(Entry(position, "", 0, 0))
    assert [e.position for e in ordered(written)] == sorted(e.position for e in written)


def test_what_has_changed_on_the_disk_meanwhile_is_not_passed_over(tmp_path: Path) -> None:
    """The output would be a shorter one, and the journal gone: it is told, and the next run does the rest again."""
    path = tmp_path / "j"
    with Journal(path) as journal:
        fill(journal)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"?")
        with pytest.raises(OutputFault, match=r"has changed on the disk at byte .* again, without --restart,"):
            list(journal.entries())
    with Journal(path) as journal:
        assert 0 < len(list(journal.entries())) == len(journal.done) < 1000


@pytest.mark.parametrize("text", [b"precious\n", fact_line("superego-batch", 1)])
def test_something_else_is_left_alone(tmp_path: Path, text: bytes) -> None:
    """A file that is no journal is not cut to its first line, nor one whose records had other keys."""
    path = tmp_path / "j"
    path.write_bytes(text)
    with pytest.raises(BadInput, match="is not the journal of a batch by this version"), Journal(path):
        pass
    assert path.read_bytes() == text


def test_a_journal_in_which_nothing_has_begun_is_taken_away(tmp_path: Path) -> None:
    """A run that was refused leaves nothing behind."""
    with Journal(tmp_path / "j"):
        pass
    assert not (tmp_path / "j").exists()


def fill(journal: Journal) -> None:
    for position in range(1000):
        journal.add(position, "", {"text": "x" * 100})


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    """The record that did not fit leaves no half line, and with room the run goes on."""
    path = tmp_path / "j"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    said = "what was written is kept, run the same command again, without --restart, to go on"
    try:
        with pytest.raises(OutputFault, match=said), Journal(path) as journal:
            fill(journal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = path.read_bytes()
    assert kept.endswith(b"\n")
    with Journal(path) as journal:
        assert journal.lost == 0
        assert len(journal.done) == kept.count(b"\n") - 1 > 10
        journal.add(len(journal.done), "", {"text": "more"})


def test_the_lock_goes_with_the_process(tmp_path: Path, root: Path) -> None:
    """A killed run does not lock out the next, and while it lives the next is refused."""
    path = tmp_path / "j"
    code = "import sys,time; from pathlib import Path; from pipeline.batch.keeping import Journal\n"
    code += "with Journal(Path(sys.argv[1])): print('here', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        with pytest.raises(BadInput, match="another run"), Journal(path):
            pass
        other.kill()
        other.wait()
    with Journal(path) as journal:
        journal.add(0, "", {})


def test_the_end_is_taken_at_the_call(tmp_path: Path) -> None:
    """Whoever reads what was done is not given what is done meanwhile."""
    with Journal(tmp_path / "j") as journal:
        journal.add(0, "", {})
        entries: Iterator[Entry] = journal.entries()
        journal.add(1, "", {})
        assert [entry.position for entry in entries] == [0]
