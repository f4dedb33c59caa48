"""Parquet, a group of rows at a time."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from critics import ExtraMissing
from pipeline.batch.task import Record
from pipeline.batch.writing.columns import COLUMNS, row

_ROWS = 1000


def parquet_needed() -> None:
    """Raise `ExtraMissing` now rather than after a night."""
    _packages()


class ParquetSink:
    """Columns as in CSV, each with its type. Use as a context manager. Raises `ExtraMissing`."""

    def __init__(self, path: Path, *, full: bool) -> None:
        self._full = full
        self._arrow, parquet = _packages()
        types = {str: self._arrow.string(), int: self._arrow.int64(), float: self._arrow.float64()}
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def __call__(self, record: Record) -> None:
        self._rows.append(row(record, full=self._full))
        if len(self._rows) == _ROWS:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Write what is held back, and the file's end."""
        if failed:
            with suppress(Exception):  # it would complain of what has failed, in the place of what did
                self._writer.close()
            return
        if self._rows:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _packages() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as exc:
        raise ExtraMissing(".parquet", "batch", kind="file") from exc
