"""How well eight rules on harm, settled by the probe where it is sure, tell harm beside the judge who is asked about
each of them: what lets `make bench` count the cascade.

    python -m bench.cascaded [--first 0]

On human-labelled replies: every ninth of `beavertails`, from the one numbered `--first` on, and of two sets of replies
to attacks those that nothing was trained on (bench/training/attacked.py). `SUPEREGO_EVAL` names the folder of the
evaluation data. Takes ten minutes.

Both critics are asked about everything, once; what the judge said then is left out where the cascade would not ask it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.exchanges import Labelled
from bench.harms import HARMS, cascade
from bench.scores import array, difference
from bench.training.attacked import MEASURED, measured
from bench.training.labelled import read
from critics import Exchange, Judgement, Manifesto, Message, Verdict
from critics.cascade import settles
from pipeline import load_settings
from pipeline.assembly import Parts
from pipeline.figures import auroc

PLAIN = "beavertails"
STEP = 9
CALLERS = 4


def replies(first: int) -> list[Labelled]:
    plain = [row for row in read(PLAIN, "dev") if row["response"].strip()][first::STEP]
    return [
        Labelled(name, Exchange((Message("user", row["text"]),), row["response"]), row["label"])
        for name, found in [(PLAIN, plain), *((name, measured(name)) for name in MEASURED)]
        for row in found
        if row["response"].strip()
    ]


def verdicts(manifesto: Manifesto, found: Sequence[Labelled]) -> list[Verdict]:
    """By both critics of each rule, neither of which settles anything."""
    rules = tuple(rule.model_copy(update={"open_between": None}) for rule in manifesto.rules)
    parts = Parts(load_settings(flags={"judge": {"critiques": False}, "critic_seconds": 600}))
    ego = parts.pipeline(manifesto.model_copy(update={"rules": rules}), drafts=False)
    with ego, ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda row: ego.judge(row.exchange.conversation, row.exchange.draft), found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, choices=range(STEP))
    found = replies(parser.parse_args().first)
    manifesto = cascade()
    asked = verdicts(manifesto, found)
    cascades = [_cascaded(manifesto, verdict) for verdict in asked]
    one = array([max(judgement.least or 0.0 for judgement in judgements) for judgements in cascades])
    other = array([max(_said(judgement) for judgement in verdict.judgements) for verdict in asked])
    opened = np.array([any(len(judgement.findings) > 1 for judgement in judgements) for judgements in cascades])
    labels = np.array([row.label for row in found])
    print(f"{len(HARMS)} rules, {len(found)} replies")
    for name in ("all", PLAIN, *MEASURED):
        here = np.array([name in ("all", row.source) for row in found])
        apart, low, high = difference(one[here], other[here], labels[here])
        print(
            f"  {name}: {here.sum()} replies ({labels[here].sum()} harmful), AUROC of the cascade "
            f"{auroc(one[here], labels[here]):.4f}, of the judge {auroc(other[here], labels[here]):.4f}, difference "
            f"{apart:+.4f} ({low:+.4f} to {high:+.4f}); the judge is asked about {opened[here].mean():.0%}"
        )


def _cascaded(manifesto: Manifesto, verdict: Verdict) -> list[Judgement]:
    """Without what the judge, who comes last, would not have been asked."""
    judgements = []
    for rule, judgement in zip(manifesto.rules, verdict.judgements, strict=True):
        probe, _ = judgement.findings
        judgements.append(Judgement(rule, (probe,) if settles(rule, probe) else judgement.findings))
    return judgements


def _said(judgement: Judgement) -> float:
    """By the judge."""
    _, judge = judgement.findings
    assert judge.critic == "judge"
    assert judge.probability is not None
    return judge.probability


if __name__ == "__main__":
    main()
