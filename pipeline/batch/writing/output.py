"""Where the records go: a file, or a folder of shards. It is not there before all of it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from os.path import exists  # pathlib's raises for a name that is too long
from pathlib import Path
from stat import S_IMODE
from typing import Literal

from pipeline.batch.keeping.disk import on_disk
from pipeline.batch.reading.packed import PACKED, inner_suffix
from pipeline.batch.task import Record
from pipeline.batch.writing.openai_results import OpenAiSink
from pipeline.batch.writing.parquet_sink import ParquetSink, parquet_needed
from pipeline.batch.writing.place import refuse_unusable
from pipeline.batch.writing.sinks import CsvSink, JsonSink, Sink, packing
from pipeline.batch.zstd import zstd_needed
from pipeline.errors import BadInput, OutputFault

OutputFormat = Literal["jsonl", "openai", "csv", "parquet"]

_PART = "part-"
_BY_SUFFIX: dict[str, OutputFormat] = {".csv": "csv", ".parquet": "parquet"}
_KNOWN = ("", ".jsonl", ".ndjson", ".json", *_BY_SUFFIX)
_NAMED = ".jsonl, .csv or .parquet"
_SUFFIXES: dict[OutputFormat, str] = {"jsonl": ".jsonl", "openai": ".jsonl", "csv": ".csv", "parquet": ".parquet"}


@dataclass(frozen=True)
class Output:
    """A file at `path`, in the format that its suffix tells if none is given; with `shard` a folder of files of so many
    records each."""

    path: Path
    form: OutputFormat | None = None
    shard: int | None = None

    @property
    def journal(self) -> Path:
        """Where the journal is meanwhile."""
        return self.path.with_name(self.path.name + ".journal")

    @property
    def growing(self) -> Path:
        """What is being written, and is renamed in the end."""
        return self.path.with_name(self.path.name + ".writing")

    def refuse_unusable(self) -> None:
        """Raises `BadInput` for a place at which no file or folder can be, before anything is made."""
        refuse_unusable(self.path)
        if exists(self.growing) and _strange(self.growing):
            raise BadInput(f"{self.growing} is in the way of the output, and no part of one: move it away")

    def told(self, form: OutputFormat) -> OutputFormat:
        """The format; `form` where neither it nor the suffix says. Raises `BadInput` for one that cannot be packed and
        for a suffix of another format, and `ExtraMissing` for one whose package is not installed."""
        suffix = inner_suffix(self.path)
        if not (self.form or self.shard or suffix in _KNOWN):
            raise BadInput(
                f"{self.path}: {suffix} is not written here: use {_NAMED}, or say which with --output-format"
            )
        found = self.form or _BY_SUFFIX.get(suffix, form)
        if found == "parquet":
            if self.path.suffix.lower() in PACKED:
                raise BadInput(f"{self.path}: Parquet is packed by itself: leave the last suffix away")
            parquet_needed()
        elif self.path.suffix.lower() == ".zst":
            zstd_needed()
        return found

    def identity(self, path: Path) -> list[int] | None:
        """What tells a file or folder from any other, also after it was renamed; `None` where there is none."""
        with suppress(FileNotFoundError):
            found = path.stat()
            return [found.st_dev, found.st_ino, found.st_mtime_ns]
        return None

    def refuse_taken(self, *, replace: bool, kept: int = 0) -> None:
        """Raises `BadInput` where there is something that must not be written over. With `replace`, an earlier output
        may be. Where the journal has `kept` so many records, nothing is advised that would do them again."""
        if not self.path.exists():
            return
        goes_on = f"; {kept} records are kept, and the same command, without --restart, goes on" if kept else ""
        if not replace:
            others = goes_on or ", choose another output, or --restart"
            raise BadInput(f"{self.path} is there already: move it away{others}")
        if _strange(self.path):
            raise BadInput(f"{self.path} is no output of a batch, and is not replaced: move it away{goes_on}")

    def write(self, records: Iterable[Record], *, form: OutputFormat, created: int, full: bool) -> None:
        """Write all records, which have their drafts, beside where they belong; `full` keeps these. Raises
        `OutputFault` where they cannot be written, and what `records` raise; then nothing of them is left there."""
        try:
            _remove(self.growing)
            if self.path.exists():  # whose readers are known once this takes its place
                self._begin_in_private()
            if self.shard:
                self._write_shards(iter(records), self.shard, form, created, full)
            else:
                with _sink(self.growing, self.path, form, created, full) as sink:
                    for record in records:
                        sink(record)
                on_disk(self.growing)
        except OSError as exc:
            _remove(self.growing)
            raise self._fault(exc) from exc
        except BaseException:
            _remove(self.growing)
            raise

    def publish(self) -> None:
        """Give what is written its name, at once, in the place of an earlier output that may be there, whose readers it
        keeps."""
        try:
            modes = _modes(self.path) if self.path.exists() else None
            if self.path.is_dir() or self.growing.is_dir():
                _remove(self.path)  # a folder that is not empty cannot be replaced, nor a file by a folder
            self.growing.replace(self.path)
            if modes:
                _open(self.path, *modes)
            on_disk(self.path.parent)
        except OSError as exc:
            raise self._fault(exc) from exc

    def _begin_in_private(self) -> None:
        if self.shard:
            self.growing.mkdir(0o700)
        else:
            self.growing.touch(0o600)

    def _fault(self, exc: OSError) -> OutputFault:
        return OutputFault(
            f"{self.path} cannot be written: {exc.strerror or exc}; all is kept in {self.journal}, "
            "run the same command again, without --restart, to go on"
        )

    def _write_shards(self, records: Iterator[Record], size: int, form: OutputFormat, created: int, full: bool) -> None:
        self.growing.mkdir(exist_ok=True)
        packed = self.path.suffix.lower()
        suffix = _SUFFIXES[form] + (packed if packed in PACKED else "")
        number = 0
        while (first := next(records, None)) is not None:
            path = self.growing / f"{_PART}{number:05}{suffix}"
            with _sink(path, path, form, created, full) as sink:
                for record in chain([first], islice(records, size - 1)):
                    sink(record)
            on_disk(path)
            number += 1
        on_disk(self.growing)


@contextmanager
def _sink(path: Path, named: Path, form: OutputFormat, created: int, full: bool) -> Iterator[Sink]:
    if form == "parquet":
        with ParquetSink(path, full=full) as parquet:
            yield parquet
        return
    with packing(path, named) as stream:
        if form == "csv":
            with closing(CsvSink(stream, full=full)) as rows:
                yield rows
        else:
            yield OpenAiSink(stream, created=created) if form == "openai" else JsonSink(stream, full=full)


def _modes(output: Path) -> tuple[int, int]:
    """Who may read an output: the mode of a folder of shards and of the files in it, or what comes to the same."""
    mode = S_IMODE(output.stat().st_mode)
    if not output.is_dir():
        return mode | (mode & 0o444) >> 2, mode  # a folder is entered by whoever may read the file
    first = min(output.iterdir(), default=None)
    return mode, S_IMODE(first.stat().st_mode) if first else mode & 0o666


def _open(output: Path, folder: int, file: int) -> None:
    """Let those read it who may by these modes."""
    if not output.is_dir():
        output.chmod(folder & file)
        return
    for shard in output.iterdir():
        shard.chmod(file)
    output.chmod(folder)


def _strange(path: Path) -> bool:
    """Whether what is there cannot be an output: no file, or a folder of something else than shards."""
    if not path.is_dir():
        return not path.is_file()
    return any(not file.name.startswith(_PART) for file in path.iterdir())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
