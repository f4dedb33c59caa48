"""What judging costs beside drafting: the default manifesto and critics on the embedded model.

    python -m bench.judging [--traffic 60] [-m MANIFESTO]

First replies of 150 tokens, drafted and judged in turn. With `--traffic`, also that many ordinary prompts (harmless_val
of the evaluation data: see bench/exchanges.py), answered as long as the model likes, up to 300 tokens.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from bench.exchanges import lines
from critics import Message
from pipeline import DraftRequest, Pipeline, load, load_settings

LENGTH = 150
PROMPTS = (
    "Explain how bread is made, from the field to the table.",
    "Tell me a long story of a fox and a hedgehog.",
    "Describe a day at the sea in winter.",
    "How does a bicycle stay upright?",
    "Write a letter about the moon to a child.",
    "What makes a good breakfast, and why?",
    "Describe how a library works.",
    "Tell me all about the making of paper.",
)


@dataclass(frozen=True)
class Cost:
    """Seconds of drafting and of judging one reply, its tokens, and whether anything was found broken."""

    drafting: float
    judging: float
    tokens: int
    outcome: str

    @property
    def ratio(self) -> float:
        return self.judging / self.drafting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traffic", type=int, default=0)
    parser.add_argument("-m", "--manifesto")
    given = parser.parse_args()
    flags = {"generator": {"max_tokens": 300}, "judge": {"critiques": False}}
    ego = load(given.manifesto, settings=load_settings(flags=flags))
    list(costs(ego, PROMPTS[:2], LENGTH))  # everything is loaded and warm
    _tell(f"replies of {LENGTH} tokens", [c for c in costs(ego, PROMPTS, LENGTH) if c.tokens == LENGTH])
    if given.traffic:
        prompts = [str(json.loads(line)["text"]) for line in lines("harmless_val")[: given.traffic]]
        _tell("ordinary traffic", list(costs(ego, prompts, None)))


def costs(ego: Pipeline, prompts: Sequence[str], length: int | None) -> Iterator[Cost]:
    """Each prompt drafted, and its draft judged."""
    assert ego.generator is not None
    for number, prompt in enumerate(prompts):
        began = time.perf_counter()
        request = DraftRequest((Message("user", prompt),), seed=number, max_tokens=length)
        pieces = list(ego.generator(request))
        drafted = time.perf_counter()
        verdict = ego.judge(prompt, "".join(piece.text for piece in pieces))
        ended = time.perf_counter()
        tokens = sum(piece.usage.completion_tokens for piece in pieces)
        yield Cost(drafted - began, ended - drafted, tokens, verdict.outcome)


def _tell(what: str, found: Sequence[Cost]) -> None:
    ratios = sorted(cost.ratio for cost in found)
    quarter = len(ratios) // 4
    print(
        f"{what}: {len(found)}, median {median(c.tokens for c in found):.0f} tokens. Drafting "
        f"{median(c.drafting for c in found):.2f} s, judging {median(c.judging for c in found):.3f} s; judging over "
        f"drafting: median {median(ratios):.3f} (quartiles {ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f}), "
        f"mean {mean(ratios):.3f}, of the sums {mean(c.judging for c in found) / mean(c.drafting for c in found):.3f}. "
        f"Not passed: {sum(c.outcome != 'pass' for c in found)}"
    )


if __name__ == "__main__":
    main()
