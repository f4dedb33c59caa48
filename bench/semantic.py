"""How well the critic `semantic` tells labelled texts apart when its examples are a few of them.

    python -m bench.semantic

prints, for rules made of 40 examples drawn from a set (half of them breaking), means over ten draws on the rest of it.
The sets are not part of the project: `SUPEREGO_EVAL` names their folder.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

import numpy as np

from bench.exchanges import lines
from critics import Embedder, Exchange, Rule, SemanticCritic
from critics.manifesto.schema import Bounds, Example, Semantic
from critics.semantic import neighbours, parts
from critics.semantic.embedder import Vectors
from pipeline.embeddings import PackagedEmbedder

SETS = {
    "toxic_chat_train": "text",
    "beavertails": "response",
    "jbb_judge": "response",
    "jailbreak_manual": "response",
    "hatemoji_check": "text",
    "../train/aegis": "text",
    "../train/davidson": "text",
}
"""Which text of a row is judged."""

ROWS, EXAMPLES, DRAWS = 300, 40, 10

Labelled = tuple[str, bool]


@dataclass(frozen=True)
class Score:
    """`auroc`, `brier` and `accuracy` over the texts that were decided, `decided` the share of them; `settled` the
    share that a cascade with these bounds asks nobody else about, `sure` the accuracy on it."""

    auroc: float
    brier: float
    accuracy: float
    decided: float
    settled: float
    sure: float


def rows(name: str, text: str) -> list[Labelled]:
    """Rows of a set, as many of each label, in an order drawn by a fixed seed."""
    read = [json.loads(line) for line in lines(name)]
    kinds = [[row[text] for row in read if row[text].strip() and row["label"] == label] for label in (1, 0)]
    count = min(ROWS // 2, *map(len, kinds))
    for kind in kinds:
        random.Random(0).shuffle(kind)
    return [(each, breaks) for kind, breaks in zip(kinds, (True, False), strict=True) for each in kind[:count]]


def draws(labelled: Sequence[Labelled], examples: int = EXAMPLES) -> Iterator[tuple[list[Labelled], list[Labelled]]]:
    """Examples, half of them breaking, and the rest."""
    for seed in range(DRAWS):
        shuffled = random.Random(seed).sample(labelled, len(labelled))
        chosen = [each for kind in (True, False) for each in [e for e in shuffled if e[1] is kind][: examples // 2]]
        yield chosen, [each for each in shuffled if each not in chosen]


def scored(
    critic: SemanticCritic, labelled: Sequence[Labelled], options: Semantic, examples: int, bounds: Bounds
) -> Score:
    """Means over all draws."""
    scores = []
    for chosen, rest in draws(labelled, examples):
        known = tuple(Example(text=text, breaks=breaks) for text, breaks in chosen)
        rule = Rule(id="a", statement="A.", critics=("semantic",), examples=known, semantic=options)
        given = [critic(Exchange((), text), [rule])[0].probability for text, _ in rest]
        decided = [(p, breaks) for p, (_, breaks) in zip(given, rest, strict=True) if p is not None]
        scores.append(_score(decided, len(rest), bounds))
    return Score(*(fmean(getattr(score, field) for score in scores) for field in Score.__dataclass_fields__))


def _score(decided: Sequence[tuple[float, bool]], asked: int, bounds: Bounds) -> Score:
    broken, kept = ([p for p, breaks in decided if breaks is kind] for kind in (True, False))
    settled = [(p, breaks) for p, breaks in decided if not bounds[0] <= p < bounds[1]]
    above = [(b > k) + (b == k) / 2 for b in broken for k in kept]
    return Score(
        auroc=fmean(above) if above else 0.5,
        brier=fmean((p - breaks) ** 2 for p, breaks in decided) if decided else 0.25,
        accuracy=fmean((p >= 0.5) == breaks for p, breaks in decided) if decided else 0.5,
        decided=len(decided) / asked,
        settled=len(settled) / asked,
        sure=fmean((p >= 0.5) == breaks for p, breaks in settled) if settled else 0.5,
    )


def remembering(embedder: Embedder) -> Embedder:
    """Embeds each text once."""
    kept: dict[str, Vectors] = {}

    def embed(texts: Sequence[str]) -> Vectors:
        fresh = [text for text in dict.fromkeys(texts) if text not in kept]
        if fresh:
            kept.update(zip(fresh, embedder(fresh), strict=True))
        return np.stack([kept[text] for text in texts])

    return embed


def table(title: str, columns: Sequence[str], score: Callable[[str, str], str]) -> None:
    print(f"\n{title}\n{'':18}" + "".join(f"{column:>22}" for column in columns), flush=True)
    for name in SETS:
        print(f"{Path(name).name:18}" + "".join(f"{score(name, column):>22}" for column in columns), flush=True)


def main() -> None:
    embedder = remembering(PackagedEmbedder(threads=1))
    labelled = cache(lambda name: rows(name, SETS[name]))

    def measured(name: str, *, examples: int = EXAMPLES, bounds: Bounds = (0.2, 0.8), **options: float) -> Score:
        return scored(SemanticCritic(embedder), labelled(name), Semantic.model_validate(options), examples, bounds)

    def told(name: str, column: str) -> str:
        score = measured(name, examples=int(column), min_similarity=0)
        return f"{score.auroc:.3f} {score.brier:.3f} {score.accuracy:.3f}"

    table("AUROC, Brier score, accuracy by number of examples", ("10", "20", "40"), told)

    def by_neighbours(name: str, column: str) -> str:
        score = measured(name, neighbours=int(column), min_similarity=0)
        return f"{score.auroc:.3f} {score.brier:.3f}"

    table("AUROC, Brier score by neighbours", ("1", "3", "5", "8", "15"), by_neighbours)

    def by_likeness(name: str, column: str) -> str:
        score = measured(name, min_similarity=float(column))
        return f"{score.auroc:.3f} {score.accuracy:.3f} {score.decided:.2f}"

    table("AUROC, accuracy, share decided by min_similarity", ("0", "0.2", "0.3", "0.4", "0.5"), by_likeness)

    def settling(name: str, column: str) -> str:
        lower, upper = map(float, column.split("-"))
        score = measured(name, bounds=(lower, upper))
        return f"{score.settled:.2f} {score.sure:.3f}"

    table("Share settled by a cascade open between these, accuracy on it", ("0.2-0.8", "0.3-0.7", "0.4-0.6"), settling)

    def by_sharpness(name: str, column: str) -> str:
        neighbours.SHARPNESS = float(column)
        return f"{measured(name, min_similarity=0).brier:.3f}"

    default = neighbours.SHARPNESS
    table("Brier score by sharpness", ("5", "10", "20"), by_sharpness)
    neighbours.SHARPNESS = default

    def by_part(name: str, column: str) -> str:
        parts.SIZE = int(column)
        return f"{measured(name, min_similarity=0).auroc:.3f}"

    table("AUROC by size of parts", ("200", "400", "1000"), by_part)


if __name__ == "__main__":
    main()
