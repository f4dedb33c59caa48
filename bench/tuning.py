"""How long it takes `superego tune` from a save to the first difference, with the embedded model.

    python -m bench.tuning [TIMES]

The command runs as somebody would run it, beside an editor that is this program: it saves an edit, and reads what is
told as JSON lines until the first difference is there, and until all are. Three kinds of edits of a manifesto that
builds on the default one, each several times: a threshold (nothing is asked of a model), a new rule for the judge,
and, with `--identity preprompt`, a rule's words, by which all answers are drafted anew.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HEAD = 'name: ours\nversion: "1"\nextends: helpful-harmless-honest\nrules:\n'
ADJECTIVES = ("kind", "brief", "cheerful", "formal", "vivid", "humble", "precise", "poetic", "cautious", "direct")


def threshold(turn: int) -> str:
    """Of a rule for the judge: now all answers break it, now hardly one."""
    return HEAD + f"  - {{id: kind, statement: The answer is kind., threshold: {0.001 if turn % 2 else 0.999}}}\n"


def new_rule(turn: int) -> str:
    """For the judge, which cannot be so sure that it would not count as broken."""
    word = ADJECTIVES[turn]
    return HEAD + f"  - {{id: {word}, statement: The answer is {word}., critics: [judge], threshold: 0.001}}\n"


def told(turn: int) -> str:
    """What the generator is told."""
    return HEAD + f"  - {{id: helpful, advice: Be {ADJECTIVES[turn]}.}}\n"


KINDS = {"threshold": (threshold, ()), "new rule": (new_rule, ()), "told": (told, ("--identity", "preprompt"))}


@contextmanager
def tuning(file: Path, flags: Sequence[str]) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a command that has gone through the prompts once."""
    command = [sys.executable, "-m", "pipeline.cli", "tune", str(file), "--json", "--no-cache", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        events = (json.loads(line) for line in process.stdout or ())
        try:
            next(event for event in events if event["event"] == "ended")
            yield events
        finally:
            process.terminate()


def measured(kind: str, times: int) -> list[tuple[float, float, dict[str, Any]]]:
    """Seconds from the save to the first difference and to the end, and what the end said."""
    make, flags = KINDS[kind]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ours.yaml"
        file.write_text(make(0))
        with tuning(file, flags) as events:
            for turn in range(1, times + 1):
                time.sleep(0.5)  # somebody types
                began = time.perf_counter()
                file.write_text(make(turn))
                next(event for event in events if event["event"] == "difference")
                first = time.perf_counter() - began
                ended = next(event for event in events if event["event"] == "ended")
                found.append((first, time.perf_counter() - began, ended))
    return found


def main(times: int) -> None:
    for kind in KINDS:
        rows = measured(kind, times)
        first, whole, last = [row[0] for row in rows], [row[1] for row in rows], rows[-1][2]
        print(
            f"{kind}: first difference {statistics.median(first):.2f} s (median of {times}, {min(first):.2f} to "
            f"{max(first):.2f}), all {statistics.median(whole):.2f} s; {last['drafts']} drafts, "
            f"{last['judgements']} judgements",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
