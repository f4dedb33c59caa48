"""A labelled row after it was judged: what every figure is made from, and what `--save` keeps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from critics import FindingOutcome, Judgement, Manifesto, Message, Verdict
from pipeline.errors import BadInput
from pipeline.evaluation.rows import Row, Side
from pipeline.files.inputs import Id
from pipeline.files.labels import Label
from pipeline.pipeline import Pipeline

Share = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RuleSaid(_Record):
    """What came of one rule, as worded then. `critics` holds what each critic itself said, before calibration."""

    outcome: FindingOutcome
    probability: Share | None
    critics: Mapping[str, Share | None]
    statement: str = ""
    tokens: int = 0
    doubtful: tuple[str, ...] | None = None
    """The critics that did not trust their own word where it is low; `None` where that was not kept."""
    in_part: tuple[str, ...] = ()
    """Those that could not judge all of it, and so would be undecided by a threshold above what they said."""


class Judged(_Record):
    """`outcome` is about the exchange as a whole: `broken` if any rule is, flags included; `undecided` if none is
    broken but one could not be judged; else `pass`."""

    set: str
    id: Id
    category: str = ""
    label: Label
    truth: Mapping[str, Label]
    side: Side
    outcome: FindingOutcome
    breach: Share | None
    rules: Mapping[str, RuleSaid]
    models: Mapping[str, str] | None = None
    """Those behind the critics, where that is known."""
    tokens: int
    seconds: float
    why: str = ""
    """Why it is undecided, where it is."""
    prompt: str | None = None
    """The same for rows with the same prompt, empty for none; `None` where it was not kept."""
    exchange: str | None = None
    """The same for rows of which the same was judged; `None` where it was not kept."""


def judge_row(pipeline: Pipeline, row: Row, models: Mapping[str, str] | None = None) -> Judged:
    """Judge one row, timing it; `models` are those behind the critics."""
    began = time.perf_counter()
    conversation = (Message("user", row.text),)
    verdict = pipeline.judge(conversation, row.response, context=row.context)
    seconds = time.perf_counter() - began
    outcome = whole(verdict)
    return Judged(
        set=row.set,
        id=row.id,
        category=row.category,
        label=row.label,
        truth=row.truth,
        side=row.side,
        outcome=outcome,
        breach=None if outcome == "undecided" else verdict.breach,
        rules={judgement.rule.id: _said(judgement) for judgement in verdict.judgements},
        models=models,
        tokens=verdict.usage.total,
        seconds=round(seconds, 6),
        why=_doubt(verdict) if outcome == "undecided" else "",
        prompt=row.prompt,
        exchange=row.exchange,
    )


def whole(verdict: Verdict) -> FindingOutcome:
    """Whether any rule is broken, whatever its action; a verdict without judgements is undecided."""
    outcomes = {judgement.outcome for judgement in verdict.judgements}
    if "broken" in outcomes:
        return "broken"
    return "pass" if outcomes == {"pass"} else "undecided"


def only_critics(manifesto: Manifesto, names: tuple[str, ...]) -> Manifesto:
    """The manifesto as judged by these critics alone. Raises `BadInput` for a name that no rule has."""
    known = dict.fromkeys(name for rule in manifesto.rules for name in rule.critics)
    for name in names:
        if name not in known:
            raise BadInput(f"no rule of {manifesto.name} has the critic {name!r}; there are {', '.join(known)}")
    kept = [(rule, tuple(name for name in rule.critics if name in names)) for rule in manifesto.rules]
    rules = tuple(rule.model_copy(update={"critics": critics}) for rule, critics in kept if critics)
    return manifesto.model_copy(update={"rules": rules})


def only_rules(pipeline: Pipeline, ids: set[str]) -> Pipeline:
    """The pipeline asked about these rules alone; its critics still know of the others, so they answer as ever."""
    rules = tuple(rule for rule in pipeline.manifesto.rules if rule.id in ids)
    return replace(pipeline, manifesto=pipeline.manifesto.model_copy(update={"rules": rules}))


def _said(judgement: Judgement) -> RuleSaid:
    critics: dict[str, Any] = {f.critic: f.probability if f.raw is None else f.raw for f in judgement.findings}
    tokens = sum(finding.usage.total for finding in judgement.findings)
    return RuleSaid(
        outcome=judgement.outcome,
        probability=judgement.probability,
        critics=critics,
        statement=judgement.rule.statement,
        tokens=tokens,
        doubtful=tuple(f.critic for f in judgement.findings if f.doubtful),
        in_part=tuple(f.critic for f in judgement.findings if f.in_part),
    )


def _doubt(verdict: Verdict) -> str:
    first = next(iter(verdict.of("undecided")), None)
    return f"{first.rule.id}: {first.critique}" if first else "the manifesto has no rule for it"
