"""Which rows tell the truth about which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from critics import DETERMINISTIC, Finding, Manifesto, Rule, settles
from pipeline.errors import BadInput
from pipeline.evaluation.calibrating.aims import Aim
from pipeline.evaluation.calibrating.enough import prompts_of, refused_by_prompts, refused_by_rows
from pipeline.evaluation.cases import Flags, Numbers
from pipeline.evaluation.judged import Judged
from pipeline.evaluation.prompts import Groups, answered, grouped
from pipeline.evaluation.rows import Side


class Labelled(Protocol):
    """What a row is labelled with, judged or not."""

    @property
    def label(self) -> int: ...
    @property
    def truth(self) -> Mapping[str, int]: ...
    @property
    def side(self) -> Side: ...
    @property
    def prompt(self) -> str | None: ...


@dataclass(frozen=True)
class Sample:
    """A rule, the truth about it, and what each of its critics itself said, NaN while undecided. By critic, too, or
    left out where there is nothing of the kind: `doubtful`, where it did not trust its own word, and `in_part`, where
    it could not judge all. `groups` are the rows that answer one prompt; without, each answers its own. Where all
    answer one, which `prompts` tells, each is a group as well."""

    rule: Rule
    labels: Flags
    said: Mapping[str, Numbers]
    doubtful: Mapping[str, Flags] = field(default_factory=dict)
    in_part: Mapping[str, Flags] = field(default_factory=dict)
    groups: Groups | None = None
    prompts: int | None = None

    @property
    def unsure(self) -> list[str]:
        """The critics whose probability is one, and not simply 0 or 1."""
        return _unsure(self.rule)


def told_of(manifesto: Manifesto, rows: Sequence[Labelled], named: str | None = None) -> list[Rule]:
    """The rules that can be calibrated on these rows; `named` is the only one, and what every label is about that names
    none.

    Raises `BadInput` that says of every rule what is missing.
    """
    known = {rule.id: rule for rule in manifesto.rules}
    if named is not None and named not in known:
        raise BadInput(f"{manifesto.name} has no rule {named!r}; it has {', '.join(known)}")
    asked = [known[named]] if named is not None else [rule for rule in manifesto.rules if _unsure(rule)]
    why = {rule.id: _lacking(manifesto, rule, rows, named) for rule in asked}
    told = [rule for rule in asked if not why[rule.id]]
    if told:
        return told
    if not asked:
        raise BadInput(f"every critic of {manifesto.name} is certain: there is no probability to calibrate")
    raise BadInput("\n".join(f"{name}: {what}" for name, what in why.items()))


def samples(
    manifesto: Manifesto, judged: Sequence[Judged], named: str | None = None
) -> tuple[list[Sample], dict[str, str]]:
    """A sample for each rule that can be calibrated, and why there is none for the others that rows tell of.

    Raises `BadInput` where there is none at all.
    """
    found: list[Sample] = []
    left: dict[str, str] = {}
    for rule in told_of(manifesto, judged, named):
        told = [(truth, row) for row in judged if (truth := _truth(manifesto, rule, row, named)) is not None]
        sample = _sample(rule, told)
        rows = [row for _, row in told]
        what = _unasked(rule, rows) or _doubt_lost(rule, rows) or _too_few(sample)
        if what:
            left[rule.id] = what
        else:
            found.append(sample)
    if not found:
        raise BadInput("\n".join(f"{name}: {what}" for name, what in left.items()))
    return found, left


def refuse_few(
    manifesto: Manifesto, rules: Sequence[Rule], rows: Sequence[Labelled], named: str | None, aim: Aim
) -> None:
    """Raise `BadInput` where no rule has rows enough, whatever its critics will say of them: before they are judged."""
    why = {}
    for rule in rules:
        told = [(truth, row) for row in rows if (truth := _truth(manifesto, rule, row, named)) is not None]
        why[rule.id] = _short(aim, told)
    if all(why.values()):
        raise BadInput("\n".join(f"{name}: {what}" for name, what in why.items()))


def _short(aim: Aim, told: Sequence[tuple[int, Labelled]]) -> str:
    broken = np.array([truth for truth, _ in told], dtype=np.bool_)
    groups = grouped([row.prompt for _, row in told])
    return (
        refused_by_rows(int(broken.sum()), int((~broken).sum()), "there are")
        or refused_by_prompts(groups, broken, ~broken, "the rows")
        or aim.refused_by(prompts_of(groups, ~broken))
    )


def _sample(rule: Rule, told: Sequence[tuple[int, Judged]]) -> Sample:
    given = [row.rules.get(rule.id) for _, row in told]
    answers = [one.critics if one else {} for one in given]
    doubts = [(one and one.doubtful) or () for one in given]
    parts = [one.in_part if one else () for one in given]
    said = {name: np.array([_number(answer.get(name)) for answer in answers]) for name in rule.critics}
    return Sample(
        rule,
        np.array([truth for truth, _ in told], dtype=np.bool_),
        said,
        {name: np.array([name in doubt for doubt in doubts], dtype=np.bool_) for name in rule.critics},
        {name: np.array([name in part for part in parts], dtype=np.bool_) for name in rule.critics},
        grouped([row.prompt for _, row in told]),
        answered([row.prompt for _, row in told]),
    )


def _truth(manifesto: Manifesto, rule: Rule, row: Labelled, named: str | None) -> int | None:
    if row.side != rule.applies_to:
        return None
    if rule.id in row.truth:
        return row.truth[rule.id]
    return row.label if not row.truth and (named == rule.id or not _rivals(manifesto, rule)) else None


def _rivals(manifesto: Manifesto, rule: Rule) -> list[str]:
    """Other rules of its side with a critic that is unsure: a label could be about any of them."""
    return [r.id for r in manifesto.rules_for(rule.applies_to) if r.id != rule.id and _unsure(r)]


def _unsure(rule: Rule) -> list[str]:
    return [name for name in rule.critics if name not in DETERMINISTIC]


def _lacking(manifesto: Manifesto, rule: Rule, rows: Sequence[Labelled], named: str | None) -> str:
    if not _unsure(rule):
        return f"its critics ({', '.join(rule.critics)}) are certain: there is no probability to calibrate"
    if any(_truth(manifesto, rule, row, named) is not None for row in rows):
        return ""
    if not any(row.side == rule.applies_to for row in rows):
        need = "no response" if rule.applies_to == "input" else "a response"
        return f"it judges {rule.applies_to}, and no row has {need}"
    also = ", ".join(_rivals(manifesto, rule))
    about = f"their `label` could as well be about {also}" if also else "they are about other rules"
    return f"the rows do not tell of it ({about}): give them `rule` or `labels`, or name the rule with --rule"


def _unasked(rule: Rule, rows: Sequence[Judged]) -> str:
    """Whose word is missing on rows that its cascade may yet leave open: once the critics before it are calibrated,
    they settle other ones. What a deterministic critic settled stays so."""
    answers = [row.rules[rule.id].critics for row in rows if rule.id in row.rules]
    uncertain = [answer for answer in answers if not any(_settles(rule, *said) for said in answer.items())]
    for name in _unsure(rule):
        if missing := sum(name not in answer for answer in uncertain):
            return (
                f"{name} was not asked about {missing} of {len(answers)} rows, and what a cascade leaves to it is no "
                "fair sample: calibrate the data itself, for which every critic is asked, or save it judged by all of "
                "them, without `open_between`"
            )
    return ""


def _doubt_lost(rule: Rule, rows: Sequence[Judged]) -> str:
    """Rows that do not say where the probe doubted its own word, for a rule whose cascade goes by that."""
    if rule.open_between is None or rule.probe is None or rule.probe.doubt is None:
        return ""
    asked = [row.rules[rule.id] for row in rows if rule.id in row.rules and "probe" in row.rules[rule.id].critics]
    if not (lost := sum(said.doubtful is None for said in asked)):
        return ""
    return (
        f"{lost} of {len(asked)} rows do not say whether the probe doubted its word (`probe.doubt`), by which its "
        "cascade goes: judge them anew"
    )


def _settles(rule: Rule, critic: str, probability: float | None) -> bool:
    return critic in DETERMINISTIC and settles(rule, Finding(rule.id, critic, probability))


def _too_few(sample: Sample) -> str:
    for name in sample.unsure:
        decided = ~np.isnan(sample.said[name])
        broken, kept = decided & sample.labels, decided & ~sample.labels
        what = refused_by_rows(int(broken.sum()), int(kept.sum()), f"{name} decided")
        if what := what or refused_by_prompts(sample.groups, broken, kept, f"the rows that {name} decided"):
            return what
    return ""


def _number(probability: float | None) -> float:
    return float("nan") if probability is None else probability
