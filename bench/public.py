"""Questions of an ordinary task from a public set, BIG-bench's own files (arXiv 2206.04615), in the form that
`superego identity compare --questions` reads:

    python -m bench.public general_knowledge/task.json phrase_relatedness/task.json > public.jsonl

The tasks lie in the source archive of the package `bigbench`, 1.0.0, in the folder bigbench/benchmark_tasks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def questions(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those of a task that have answers to choose from, of which one is right."""
    for example in task["examples"]:
        scores = example.get("target_scores", {})
        right = [number for number, score in enumerate(scores.values()) if score == max(scores.values())]
        if len(scores) > 1 and len(right) == 1:
            yield {"prompt": example["input"], "choices": list(scores), "answer": right[0]}


def main() -> None:
    for name in sys.argv[1:]:
        for question in questions(json.loads(Path(name).read_text("utf-8"))):
            print(json.dumps(question, ensure_ascii=False))


if __name__ == "__main__":
    main()
