"""Which ids have been there before, for any number of records in little memory."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from typing import Self

from pipeline.errors import OutputFault
from pipeline.files.inputs import Id

_CACHED = 16 << 10
"""KiB that SQLite keeps in memory."""


class Ids:
    """Remembers digests of ids in a nameless database that SQLite moves to the temporary folder as it grows, and that
    is gone with the process. Two different ids are taken for one with a probability of 10^-20 at a billion records."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # one thread at a time
        self._seen.execute(f"PRAGMA cache_size = -{_CACHED}")
        self._seen.execute("PRAGMA journal_mode = OFF")
        self._seen.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def first_line(self, id: Id, line: int) -> int:
        """The line in which the id was first given: this one, if it is new. Raises `OutputFault` on a full disk."""
        # As records are told apart outside: 7 and "7" are not the same.
        key = blake2b(f"{type(id).__name__}\0{id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        try:
            if self._seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line)).rowcount:
                return line
            found = self._seen.execute("SELECT line FROM seen WHERE id = ?", (key,)).fetchone()
        except sqlite3.Error as exc:
            raise OutputFault(f"the ids cannot be kept in the temporary folder: {exc}; see TMPDIR") from exc
        return int(found[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._seen.close()
