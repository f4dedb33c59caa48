"""Work in a process of its own, timed there, driven round by round over pipes.

llama.cpp on two threads of one process is slow: libgomp stops spinning once its teams have more threads than there are
cores. So whatever is compared with our engine computes in another process, which sleeps while ours is measured.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.resident import ROOT
from bench.timing import Side


@dataclass(frozen=True)
class Served:
    """What a process offers: its sides, and what it tells of them in the end."""

    sides: Mapping[str, Side]
    details: Callable[[], Mapping[str, object]] = dict


class Apart:
    """A process that does what `served(*arguments)` of a module offers."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.apart", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.sides: dict[str, Side] = {name: self._side(name) for name in self._answer()}

    def details(self) -> Any:
        return self._asked({"side": None})

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _side(self, name: str) -> Side:
        return lambda number: float(self._asked({"side": name, "round": number}))

    def _asked(self, request: Mapping[str, object]) -> Any:
        assert self._process.stdin is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return json.loads(answer)


def main(module: str, *arguments: str) -> None:
    """Serve until standard input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    served: Served = importlib.import_module(module).served(*arguments)
    print(json.dumps(list(served.sides)), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        name = request["side"]
        done = served.details() if name is None else served.sides[name](request["round"])
        print(json.dumps(done), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
