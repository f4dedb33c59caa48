"""Questions of an ordinary task from a public set, LLMBar (Zeng et al., arXiv 2310.07641): which of two answers does
what was asked.

    python -m bench.pairs > pairs.jsonl
    superego identity compare -m house-style --questions pairs.jsonl

`SUPEREGO_EVAL` names the folder of the evaluation data, `../shared/eval/dev` if not given.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter

from bench.exchanges import lines


def main() -> None:
    for _, pair in groupby(map(json.loads, lines("llmbar")), itemgetter("category")):
        first, second = pair
        choices = [first["response"], second["response"]]
        print(json.dumps({"prompt": first["text"], "choices": choices, "answer": second["label"]}))


if __name__ == "__main__":
    main()
