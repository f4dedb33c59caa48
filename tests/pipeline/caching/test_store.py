from __future__ import annotations

import logging
import os
import random
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import OutputFault
from pipeline.caching import Store


def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    """And for nobody but its owner."""
    path = tmp_path / "deep" / "cache.sqlite"
    with Store(path) as store:
        store.put(b"k", b"value" * 1000)
    with Store(path) as store:
        assert store.get("x", b"k") == b"value" * 1000
        assert store.get("x", b"other") is None
        assert (store.found["x"], store.missed["x"]) == (1, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_limit_holds_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were used since they were written stay."""
    now = [1_000_000]
    monkeypatch.setattr("pipeline.caching.store.time.time", lambda: now[0])
    with Store(tmp_path / "cache.sqlite", most=200_000) as store:
        for number in range(400):
            now[0] += 10_000
            store.put(b"%d" % number, os.urandom(1000))
            assert store.get("x", b"0") is not None
            assert store.stored().bytes <= 200_000
        assert store.get("x", b"399") is not None
        assert store.get("x", b"1") is None
        assert store.stored().entries > 100
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1_500_000


def test_the_limit_is_that_of_the_file(tmp_path: Path) -> None:
    """Where entries are a little bigger than half a page, each takes a whole one."""
    path = tmp_path / "cache.sqlite"
    with Store(path, most=2_000_000) as store:
        for _ in range(1500):
            store.put(os.urandom(20), os.urandom(2100))
        assert store.stored().bytes <= 2_000_000
        assert store.stored().entries > 300
    assert path.stat().st_size <= 2_000_000


def test_clearing_gives_the_space_back(tmp_path: Path) -> None:
    """On the disk."""
    path = tmp_path / "cache.sqlite"
    with Store(path) as store:
        for number in range(200):
            store.put(b"%d" % number, os.urandom(5000))
        store.clear()
        assert store.stored().entries == 0
    assert path.stat().st_size < 100_000


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    """It was a cache."""
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"no database at all " * 100)
    (tmp_path / "cache.sqlite-wal").write_bytes(b"what was to come of it")
    with Store(path) as store:
        store.put(b"k", b"v")
        assert store.get("x", b"k") == b"v"


def test_a_file_that_is_damaged_inside_is_told_and_can_be_emptied(tmp_path: Path) -> None:
    """Its head is sound, so that it opens, and nothing would ever be found in it again."""
    path = tmp_path / "cache.sqlite"
    with Store(path) as store:
        for number in range(400):
            store.put(str(number).encode(), random.Random(number).randbytes(500))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with Store(path) as store, pytest.raises(OutputFault, match="`superego cache clear` begins it anew"):
        store.stored()
    with Store(path) as store:
        store.clear()
        store.put(b"k", b"v")
    with Store(path) as store:
        assert store.get("x", b"k") == b"v"


def test_a_damaged_file_of_ours_is_taken_away(tmp_path: Path) -> None:
    """Nothing of it is left but the mark of whose it was, and nobody needs it."""
    path = tmp_path / "cache.sqlite"
    with Store(path) as store:
        store.put(b"k", b"v")
    damage(path)
    with Store(path) as store:
        assert store.get("x", b"k") is None
        store.put(b"k", b"new")
        assert store.get("x", b"k") == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["cache.sqlite"]


def test_a_damaged_file_of_somebody_elses_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Under another name, which is told: it can still be saved. A second one is not written over the first."""
    path, aside = tmp_path / "mine.sqlite", tmp_path / "mine.sqlite.damaged"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE bookmarks (url)")
    damage(path)
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING, "superego"), Store(path) as store:
        store.put(b"k", b"v")
        assert store.get("x", b"k") == b"v"
    assert aside.read_bytes() == before
    assert str(aside) in caplog.text
    path.write_bytes(before)
    with Store(path) as store, pytest.raises(OutputFault, match=r"mine\.sqlite\.damaged is there already"):
        store.clear()
    assert path.read_bytes() == aside.read_bytes() == before


def test_a_file_from_before_there_was_a_mark_is_ours(tmp_path: Path) -> None:
    """By its tables; from then on it has one."""
    path = tmp_path / "cache.sqlite"
    with Store(path) as store:
        store.put(b"k", b"v")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA application_id = 0")
    with Store(path) as store:
        assert store.get("x", b"k") == b"v"
    assert path.read_bytes()[68:72] == b"sego"


def test_another_applications_file_is_left_alone(tmp_path: Path) -> None:
    """Also an empty one."""
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA application_id = 7")
    before = path.read_bytes()
    with Store(path) as store, pytest.raises(OutputFault, match="of another application"):
        store.clear()
    assert path.read_bytes() == before


def damage(path: Path) -> None:
    """So that SQLite says that it is malformed."""
    data = bytearray(path.read_bytes())
    data[100:108] = b"\xff" * 8
    path.write_bytes(data)


def test_somebody_elses_file_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A setting that names the wrong file costs the cache, and not the file."""
    path = tmp_path / "thesis.txt"
    path.write_text("precious")
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as file:
        file.execute("CREATE TABLE bookmarks (url)")
    before = other.read_bytes()
    with caplog.at_level(logging.WARNING, "superego"):
        for taken in (path, other):
            with Store(taken) as store:
                store.put(b"k", b"v")
                assert store.get("x", b"k") is None
                with pytest.raises(OutputFault, match="is not used"):
                    store.clear()
    assert path.read_text() == "precious"
    assert other.read_bytes() == before
    assert "thesis.txt is not used" in caplog.text


def test_where_it_cannot_be_written_nothing_is_kept_and_nothing_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once."""
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, "superego"), Store(tmp_path / "file" / "cache.sqlite") as store:
        store.put(b"k", b"v")
        assert store.get("x", b"k") is None
    assert len(caplog.records) == 1
    assert "is not used" in caplog.text


def test_threads_share_it(tmp_path: Path) -> None:
    """As the workers of a batch do."""
    with Store(tmp_path / "cache.sqlite") as store:

        def work(name: int) -> None:
            for number in range(50):
                store.put(b"%d %d" % (name, number), b"%d" % number)
                assert store.get("x", b"%d %d" % (name, number)) == b"%d" % number

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.stored().entries == 200
        assert store.found["x"] == 200


@given(st.dictionaries(st.binary(max_size=30), st.binary(max_size=300), max_size=20))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, given: dict[bytes, bytes]) -> None:
    """By any key."""
    with Store(tmp_path_factory.mktemp("store") / "c") as store:
        for key, value in given.items():
            store.put(key, value)
        assert {key: store.get("x", key) for key in given} == given
