"""How well the critic `grounded` tells claims that sources bear out from those that they do not.

    python -m bench.grounded

prints, for the constructed claims of `grounded.yaml` and the packaged embedding model, the area under the ROC curve for
each kind of fault against all claims that are borne out, and how many verdicts are right at a threshold of 0.5. The
least similarity was chosen on the half `choose`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from bench.semantic import remembering
from critics import Embedder, Exchange, GroundedCritic, Rule, Source
from critics.grounded.passages import cut
from critics.manifesto.schema import Grounded
from pipeline.embeddings import PackagedEmbedder
from pipeline.figures import auroc

DATA = Path(__file__).with_suffix(".yaml")
BORNE_OUT = ("supported", "paraphrased")
FAULTS = ("number", "name", "negation", "swap", "unsupported")
HALVES = ("choose", "hold")
LEAST = (0.3, 0.4, 0.5, 0.6)


class Claim(NamedTuple):
    half: str
    kind: str
    text: str
    sources: tuple[Source, ...]


class Judged(NamedTuple):
    claim: Claim
    probability: float
    critique: str


def claims() -> Iterator[Claim]:
    """Every claim with its sources."""
    for group in yaml.safe_load(DATA.read_text())["claims"]:
        sources = tuple(Source(text) for text in group["sources"])
        for kind, texts in group["claims"].items():
            for text in texts:
                yield Claim(group["half"], kind, text, sources)


def judged(embedder: Embedder, options: Grounded) -> list[Judged]:
    """Each claim as a draft of its own."""
    rule = Rule(id="a", statement="A.", critics=("grounded",), grounded=options)
    critic = GroundedCritic(embedder)
    found = []
    for claim in claims():
        (finding,) = critic(Exchange((), claim.text, claim.sources), [rule])
        if finding.probability is None:
            raise SystemExit(f"undecided: {claim.text}: {finding.critique}")
        found.append(Judged(claim, finding.probability, finding.critique))
    return found


def by_similarity_alone(embedder: Embedder) -> list[Judged]:
    """What the critic adds to: each claim judged by the cosine to the nearest sentence, without any check."""
    found = []
    for claim in claims():
        vectors = embedder([claim.text, *(sentence for _, sentence in cut(claim.sources))])
        found.append(Judged(claim, 0.5 - float((vectors[1:] @ vectors[0]).max()) / 2, ""))
    return found


def disputed(embedder: Embedder, half: str) -> tuple[int, int, int]:
    """How often the better source is heard where it disputes a post, how often where it does not, of how many."""
    rule = Rule(id="a", statement="A.", critics=("grounded",))
    heard = {"disputing": 0, "else": 0}
    cases = [case for case in yaml.safe_load(DATA.read_text())["disputes"] if case["half"] == half]
    for case in cases:
        for said in heard:
            sources = (Source(case["post"], kind="forum"), Source(case[said], kind="peer-reviewed"))
            (finding,) = GroundedCritic(embedder)(Exchange((), case["post"], sources), [rule])
            heard[said] += finding.outcome(0.5) == "broken"
    return heard["disputing"], heard["else"], len(cases)


def figures(found: Sequence[Judged], half: str, faults: Sequence[str]) -> tuple[float, float, int]:
    """AUROC of faults against all that is borne out, the share of these faults found at 0.5, and their number."""
    rows = [each for each in found if each.claim.half == half and each.claim.kind in (*BORNE_OUT, *faults)]
    broken = [each.claim.kind in faults for each in rows]
    caught = [each.probability >= 0.5 for each in rows if each.claim.kind in faults]
    return auroc([each.probability for each in rows], broken), sum(caught) / len(caught), len(caught)


def main() -> None:
    embedder = remembering(PackagedEmbedder(threads=1))
    for half in HALVES:
        print(f"\nhalf {half!r}: AUROC of all faults, share of them found, share of borne-out claims kept")
        for least in LEAST:
            found = judged(embedder, Grounded(min_similarity=least))
            area, caught, _ = figures(found, half, FAULTS)
            kept = [j.probability < 0.5 for j in found if j.claim.half == half and j.claim.kind in BORNE_OUT]
            print(f"  min_similarity {least}: {area:.3f} {caught:.0%} {sum(kept) / len(kept):.0%} of {len(kept)}")
    alone = by_similarity_alone(embedder)
    print(f"\nby similarity alone, half 'hold': AUROC {figures(alone, 'hold', FAULTS)[0]:.3f}")
    for half in HALVES:
        right, wrong, count = disputed(embedder, half)
        print(f"half {half!r}: of {count} the better source outweighs {right} posts that it disputes, {wrong} others")
    found = judged(embedder, Grounded())
    for half in HALVES:
        print(f"\nhalf {half!r}, defaults: AUROC and share found by kind of fault")
        for kind in FAULTS:
            area, caught, count = figures(found, half, (kind,))
            print(f"  {kind:12} {area:.3f} {caught:.0%} of {count}")


if __name__ == "__main__":
    main()
