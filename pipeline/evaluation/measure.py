"""A whole evaluation: figures by data set, by rule and over all, beside the baselines, with the worst mistakes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from critics import Manifesto
from pipeline.evaluation.baselines import bag_of_words, refusal_phrases
from pipeline.evaluation.cases import Cases, of_exchanges, of_rule
from pipeline.evaluation.compare import Comparison, compared
from pipeline.evaluation.judged import Judged
from pipeline.evaluation.metrics import Figures, figures
from pipeline.evaluation.mistakes import Mistake, worst
from pipeline.evaluation.prompts import answered
from pipeline.evaluation.rows import Row

Kind = Literal["set", "all", "rule"]
Baseline = Literal["refusal phrases", "bag of words"]


@dataclass(frozen=True)
class Part:
    """Rows that belong together and what can be said of them. `tokens` and `seconds` are of one judgement, the mean;
    of a rule only its tokens can be told."""

    kind: Kind
    name: str
    cases: Cases
    figures: Figures
    baselines: Mapping[Baseline, Cases]
    mistakes: tuple[Mistake, ...]
    tokens: float
    seconds: float | None


@dataclass(frozen=True)
class Evaluation:
    """What `superego eval` knows in the end."""

    manifesto: Manifesto
    critics: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    comparison: Comparison | None = None


def evaluate(
    manifesto: Manifesto,
    rows: Sequence[Row],
    judged: Sequence[Judged],
    *,
    critics: Sequence[str] = (),
    other: Sequence[Judged] | None = None,
) -> Evaluation:
    """Measure rows that were judged, in the same order; compare with `other` where it is given."""
    pairs = list(zip(rows, judged, strict=True))
    sets = list(dict.fromkeys(row.set for row in rows))
    parts = [_exchanges("set", name, [pair for pair in pairs if pair[0].set == name]) for name in sets]
    if len(sets) > 1:
        parts.append(_exchanges("all", "all", pairs))
    parts += _rules(manifesto, pairs)
    comparison = compared(judged, other) if other is not None else None
    return Evaluation(manifesto, tuple(critics), tuple(parts), tuple(_notes(judged)), comparison)


Pairs = Sequence[tuple[Row, Judged]]


def _exchanges(kind: Kind, name: str, pairs: Pairs) -> Part:
    rows, judged = [row for row, _ in pairs], [said for _, said in pairs]
    cases = of_exchanges(judged)
    baselines: dict[Baseline, Cases | None] = {
        "refusal phrases": refusal_phrases(rows),
        "bag of words": bag_of_words(rows, [row.label for row in rows]),
    }
    tokens = sum(said.tokens for said in judged) / len(judged)
    seconds = sum(said.seconds for said in judged) / len(judged)
    found = figures(cases, prompts=_prompts(judged))
    return Part(kind, name, cases, found, _there(baselines), worst(rows, cases), tokens, seconds)


def _rules(manifesto: Manifesto, pairs: Pairs) -> Iterator[Part]:
    for rule in manifesto.rules:
        own = [(row, said) for row, said in pairs if rule.id in row.truth and rule.id in said.rules]
        if not own:
            continue
        rows, judged = [row for row, _ in own], [said for _, said in own]
        cases = of_rule(judged, rule.id)
        baselines = _there({"bag of words": bag_of_words(rows, [row.truth[rule.id] for row in rows])})
        tokens = sum(said.rules[rule.id].tokens for said in judged) / len(judged)
        found = figures(cases, prompts=_prompts(judged))
        yield Part("rule", rule.id, cases, found, baselines, worst(rows, cases), tokens, None)


def _prompts(judged: Sequence[Judged]) -> int:
    return answered([row.prompt for row in judged])


def _there(baselines: Mapping[Baseline, Cases | None]) -> dict[Baseline, Cases]:
    return {name: cases for name, cases in baselines.items() if cases is not None}


def _notes(judged: Sequence[Judged]) -> Iterator[str]:
    """What a reader of the figures must know."""
    if strangers := Counter(rule for row in judged for rule in row.truth if rule not in row.rules):
        told = ", ".join(f"{rule} ({count})" for rule, count in strangers.most_common(5))
        yield f"rows tell the truth about rules that were not judged: {told}"
    if silent := sum(map(_silent, judged)):
        yield (
            f"{silent} of {len(judged)} rows count as false positives for rules that they tell nothing about: tell of "
            "all rules in `labels`, or go by the figures of each rule"
        )
    if torn := sum(len(labels) > 1 for labels in _labels(judged).values()):
        yield (
            f"the same exchange is labelled 1 in one row and 0 in another, {_times(torn)}, and no critic is right "
            "about both: where they are about two rules, give one row with `labels`"
        )
    if (prompts := _prompts(judged)) == 1 < len(judged):
        yield f"all {len(judged)} rows answer one prompt, and what is told is of that prompt"
    elif prompts < len(judged):
        yield f"{len(judged)} rows answer {prompts} prompts, and intervals are as wide as so many prompts make them"
    reasons = Counter(row.why for row in judged if row.outcome == "undecided")
    if reasons:
        why, count = reasons.most_common(1)[0]
        yield f"{reasons.total()} of {len(judged)} rows are undecided, {count} of them because of {why}"


def _silent(row: Judged) -> bool:
    """Whether it is found broken, and by its label is not, but tells of other rules."""
    broken = {rule for rule, said in row.rules.items() if said.outcome == "broken"}
    return not row.label and bool(row.truth) and bool(broken) and broken.isdisjoint(row.truth)


def _labels(judged: Sequence[Judged]) -> Mapping[str, set[int]]:
    """Of each exchange, where it is known which one it was."""
    found: dict[str, set[int]] = defaultdict(set)
    for row in judged:
        if row.exchange is not None:
            found[row.exchange].add(row.label)
    return found


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
