"""A bounded store of bytes by key, in one SQLite file that several processes may share.

It is a cache: what goes wrong with it costs time and nothing else. Whatever SQLite reports is told once, and from then
on nothing is found and nothing is kept.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from os.path import exists
from pathlib import Path
from typing import Self

from platformdirs import user_cache_path

from pipeline.errors import OutputFault

MOST_BYTES = 1 << 30
_KEPT = 0.9
"""Of the limit, after the oldest entries had to go."""
_AT_ONCE = 10_000
"""Entries that go at a time, at most."""
_FRESH = 3600
"""Seconds for which it is not written down again that an entry was used."""

# Files from before their own size was what counts have a column for it, which is filled and read by nobody.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    key BLOB PRIMARY KEY, value BLOB NOT NULL, bytes INTEGER NOT NULL, used INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON kept (used, bytes);
"""
_STRANGE = "SELECT name FROM sqlite_master WHERE name NOT IN ('kept', 'by_use') AND name NOT LIKE 'sqlite_%'"
_HEAD = b"SQLite format 3\0"
_OURS = int.from_bytes(b"sego")
"""Is in the head of our files, where SQLite has a place for it, at byte 68."""
_BESIDE = ("-journal", "-wal", "-shm", "")
"""What belongs to a database, the file itself last."""
_TAKEN = """
SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""
_OVERHEAD = 64
"""Bytes that an entry takes beside its key and value, about."""

_log = logging.getLogger("superego")


def cache_path() -> Path:
    """The file in the user's cache folder."""
    return user_cache_path("superego") / "batch.sqlite"


@dataclass(frozen=True)
class Stored:
    """How much there is, and what it takes of the file; room in it that is free again does not count."""

    entries: int
    bytes: int


class Store:
    """Values by key, packed. Once they take more than `most` bytes, those go that were not used for longest.

    `found` and `missed` count the look-ups by kind.
    """

    def __init__(self, path: Path | None = None, *, most: int = MOST_BYTES) -> None:
        self.path = path or cache_path()
        self.found: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self._most = most
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._fault = ""
        try:
            self._file = self._opened()
        except (sqlite3.Error, OSError) as exc:
            self._give_up(exc)

    def get(self, kind: str, key: bytes) -> bytes | None:
        """The value, if it is there."""
        with self._lock:
            value = self._get(key)
            (self.missed if value is None else self.found)[kind] += 1
            return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""
        packed = zlib.compress(value, 1)
        size = len(packed) + len(key) + _OVERHEAD
        with self._lock:
            if self._file is None or size > self._most * _KEPT:
                return
            try:
                self._file.execute("REPLACE INTO kept VALUES (?, ?, ?, ?)", (key, packed, size, int(time.time())))
                if _taken(self._file) > self._most:
                    self._evict(self._file)
            except sqlite3.Error as exc:
                self._give_up(exc)

    def stored(self) -> Stored:
        """Raises `OutputFault` where the file cannot be used."""
        with self._lock:
            file = self._usable()
            try:
                (entries,) = file.execute("SELECT count(*) FROM kept").fetchone()
                return Stored(entries, _taken(file) if entries else 0)
            except sqlite3.Error as exc:
                raise OutputFault(f"the cache {self.path} cannot be read: {_why(exc)}") from exc

    def clear(self) -> None:
        """Forget everything, and give the space back. Raises `OutputFault` where that cannot be done."""
        with self._lock:
            file = self._usable()
            try:
                self._empty(file)
            except (sqlite3.Error, OSError) as exc:
                raise OutputFault(f"the cache {self.path} cannot be emptied: {exc}") from exc

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _empty(self, file: sqlite3.Connection) -> None:
        try:
            for command in ("DELETE FROM kept", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                file.execute(command)
        except sqlite3.DatabaseError as exc:
            if not _damaged(exc):
                raise
            file.close()
            self._file = None
            self._file = self._anew()

    def _usable(self) -> sqlite3.Connection:
        if self._file is None:
            raise OutputFault(f"the cache {self.path} is not used: {self._fault or 'it is closed'}")
        return self._file

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # answers are nobody else's business
        with self.path.open("rb") as file:
            if not _HEAD.startswith(file.read(len(_HEAD))):
                raise OSError("it is something else: move it away, or see `cache.file`")
        try:
            return _connected(self.path)
        except sqlite3.DatabaseError as exc:
            if not _damaged(exc):
                raise
            return self._anew()

    def _anew(self) -> sqlite3.Connection:
        """It is no database any more. Was it ours, it was a cache, and is begun anew; of what has no mark nobody knows
        whose it was, so that is kept under another name."""
        with self.path.open("rb") as file:
            ours = file.read(72)[68:] == _OURS.to_bytes(4)
        aside = Path(f"{self.path}.damaged")
        if not ours and exists(aside):
            raise OSError(f"it is damaged, and {aside} is there already: move one of them away")
        for suffix in _BESIDE:
            part = Path(f"{self.path}{suffix}")
            if ours:
                part.unlink(missing_ok=True)
            elif exists(part):
                part.rename(f"{aside}{suffix}")
        if not ours:
            _log.warning("the cache %s was damaged, or somebody else's: what was there is %s", self.path, aside)
        return _connected(self.path)

    def _get(self, key: bytes) -> bytes | None:
        if self._file is None:
            return None
        try:
            row = self._file.execute("SELECT value, used FROM kept WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            if (now := int(time.time())) - row[1] > _FRESH:
                self._file.execute("UPDATE kept SET used = ? WHERE key = ?", (now, key))
            return zlib.decompress(row[0])
        except (sqlite3.Error, zlib.error) as exc:
            self._give_up(exc)
            return None

    def _evict(self, file: sqlite3.Connection) -> None:
        file.execute("BEGIN IMMEDIATE")
        for (key,) in file.execute("SELECT key FROM kept ORDER BY used").fetchmany(_AT_ONCE):
            if _taken(file) <= self._most * _KEPT:  # others may have made room already
                break
            file.execute("DELETE FROM kept WHERE key = ?", (key,))
        file.execute("COMMIT")
        file.execute("PRAGMA incremental_vacuum").fetchall()

    def _give_up(self, exc: Exception) -> None:
        self._fault = _why(exc)
        _log.warning("the cache %s is not used: %s", self.path, self._fault)
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _taken(file: sqlite3.Connection) -> int:
    """Bytes of the pages in use: entries share them badly, and take up to twice what is in them."""
    return int(file.execute(_TAKEN).fetchone()[0])


def _damaged(exc: Exception) -> bool:
    """Whether it is no database, or none any more; locked or full, it is no reason to take it away."""
    return type(exc) is sqlite3.DatabaseError


def _why(exc: Exception) -> str:
    cured = _damaged(exc) or isinstance(exc, zlib.error)
    return f"{exc}: `superego cache clear` begins it anew" if cured else str(exc)


def _mark(file: sqlite3.Connection) -> None:
    """Files of ours from before there was a mark are told by what is in them."""
    (mark,) = file.execute("PRAGMA application_id").fetchone()
    if mark not in (0, _OURS):
        raise sqlite3.OperationalError("it is a database of another application")
    if not mark:
        file.execute(f"PRAGMA application_id = {_OURS}")


def _connected(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        if strange := file.execute(_STRANGE).fetchone():
            raise sqlite3.OperationalError(f"it is a database of something else, with {strange[0]!r} in it")
        file.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _mark(file)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.executescript(_SCHEMA)
    except sqlite3.Error:
        file.close()
        raise
    return file
