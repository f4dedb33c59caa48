"""A batch that is killed again and again: python -m bench.batch_kills PROMPTS.jsonl [--kills N] [flags of the batch].

`superego batch` is stopped by kill -9 at N random instants (10 if not said) and run again with the same flags each
time. Checked: every id comes back once, in order, and a record that was finished at a kill is in the output as it was.
With `--deterministic` among the flags the whole is compared with an unbroken run, apart from times.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.batch import Input, Output
from pipeline.batch.keeping.entry import Entry, read_line

Records = dict[int, dict[str, Any]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("prompts", type=Path)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--between", type=float, default=15.0, help="Seconds before a kill, at most.")
    given, flags = options.parse_known_args()
    ids = [record.id for record in Input(str(given.prompts)).records()]
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out.jsonl"
        command = [sys.executable, "-m", "pipeline.cli", "batch", str(given.prompts), "--full", "--quiet", *flags, "-o"]
        finished: Records = {}
        for number in range(given.kills):
            _killed([*command, str(out)], Output(out).journal, len(finished), given.between)
            kept = _kept(Output(out).journal)
            assert all(kept[position] == record for position, record in finished.items()), "a record has changed"
            print(f"kill {number + 1}: {len(kept)} of {len(ids)} are done", flush=True)
            finished = kept
        began = time.monotonic()
        subprocess.run([*command, str(out)], check=True)
        records = [json.loads(line) for line in out.read_text().splitlines()]
        assert [record["id"] for record in records] == ids, "an id is missing, twice, or out of place"
        assert all(records[position] == record for position, record in finished.items()), "a record has changed"
        print(f"{len(ids)} records, each once and in order; {len(finished)} of earlier runs unchanged; "
              f"the last run took {time.monotonic() - began:.0f} s")  # fmt: skip
        if "--deterministic" in flags:
            whole = Path(folder) / "whole.jsonl"
            subprocess.run([*command, str(whole)], check=True)
            for broken, unbroken in zip(_timeless(out), _timeless(whole), strict=True):
                assert broken == unbroken, f"another record came of an unbroken run:\n{broken}\n{unbroken}"
            print("byte-identical to an unbroken run, apart from times")


def _killed(command: list[str], journal: Path, before: int, most: float) -> None:
    """A run that is killed some time after it got something done."""
    with subprocess.Popen(command) as process:
        while process.poll() is None and len(_kept(journal)) <= before:
            time.sleep(0.1)
        time.sleep(random.random() * most)
        process.kill()


def _kept(journal: Path) -> Records:
    """The records that stand in a journal, by position."""
    found: Records = {}
    if journal.exists():
        data = journal.read_bytes()
        offset = 0
        for line in data.splitlines(keepends=True):
            read = read_line(line, offset)
            if isinstance(read, Entry):
                found[read.position] = json.loads(data[read.offset : read.offset + read.length])
            offset += len(line)
    return found


def _timeless(path: Path) -> list[str]:
    """Lines without what says how long anything took."""
    lines = []
    for line in path.read_text().splitlines():
        record = json.loads(line)
        for part in (record["usage"], *record["attempts"]):
            part["seconds"] = 0
        lines.append(json.dumps(record))
    return lines


if __name__ == "__main__":
    main()
