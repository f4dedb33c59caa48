"""All findings weighed, in code. A model never does the arithmetic and never decides the pass."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from critics.calibration import calibrated
from critics.cascade import COMBINATIONS, settles
from critics.finding import Finding, FindingOutcome, Usage
from critics.manifesto.schema import DETERMINISTIC, Manifesto, Rule

VerdictOutcome = Literal["pass", "revise", "veto", "undecided"]

DISAGREEMENT = 0.5
"""How far apart the critics of a rule must be for that to be told."""


IN_PART = "only a part of it could be judged"
"""Why a rule is undecided of which a critic has read some of the text alone."""


@dataclass(frozen=True)
class Judgement:
    """One rule and what its critics said of it.

    A critic that settled the rule has the only word, and the open ones before it none; the worst one, were there two.
    Where none did, the words of all are combined as the rule says. Then a rule that a critic could not judge, or only
    in part, is broken if it is whatever that critic would have said, and else undecided.
    """

    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def probability(self) -> float | None:
        """Of a breach, in [0, 1]; `None` while undecided."""
        return None if self.outcome == "undecided" else self.least

    @property
    def outcome(self) -> FindingOutcome:
        if self.least is None:
            return "undecided"
        if self.least >= self.rule.threshold:
            return "broken"
        return "undecided" if any(f.probability is None or f.in_part for f in self._counted) else "pass"

    @property
    def critique(self) -> str:
        """Why it is broken or undecided."""
        open_ = self.outcome == "undecided"  # of which what was found in a part is no reason
        said = (IN_PART if open_ and f.in_part else f.critique for f in self.decisive)
        return "; ".join(dict.fromkeys(filter(None, said)))

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """Of the critics that say what the outcome says, or of the worst where only all together come to a breach."""
        outcome = self.outcome
        said = tuple(f for f in self._counted if f.outcome(self.rule.threshold) == outcome)
        if outcome == "undecided":
            return said or tuple(f for f in self._counted if f.in_part)
        if said or outcome != "broken":
            return said
        worst = max(f.probability or 0.0 for f in self._counted)
        return tuple(f for f in self._counted if f.probability == worst)

    @property
    def disagreement(self) -> float | None:
        """How far the critics' probabilities lie apart, where that is at least `DISAGREEMENT`. A deterministic one
        that found nothing disagrees with nobody."""
        decided = [f.probability for f in self.findings if f.probability is not None and not _silent(f)]
        spread = max(decided) - min(decided) if decided else 0.0
        return spread if spread >= DISAGREEMENT else None

    @property
    def _counted(self) -> tuple[Finding, ...]:
        settled = tuple(f for f in self.findings if settles(self.rule, f))
        if not settled:
            return self.findings
        surest = max(settled, key=lambda f: f.probability or 0.0)
        if (surest.probability or 0.0) >= self.rule.threshold:
            return (surest,)
        # A low word is none for those who look for something else, and could not.
        return (surest, *(f for f in self.findings if f.probability is None and f.critic in DETERMINISTIC))

    @property
    def least(self) -> float | None:
        """The probability if those who could not judge found no breach at all; `None` if nobody could."""
        if all(f.probability is None for f in self._counted):
            return None
        certain = [f.probability for f in self._counted if f.critic in DETERMINISTIC and f.probability is not None]
        if max(certain, default=0.0) >= self.rule.threshold:  # which no average with what others say makes less so
            return max(certain)
        words = [f for f in self._counted if not _silent(f)] or self._counted
        return COMBINATIONS[self.rule.combine or "max"]([f.probability or 0.0 for f in words])


def _silent(finding: Finding) -> bool:
    """Whether a deterministic critic found nothing, or could not look: of the rest it says nothing, so that it has no
    part in a mean."""
    said = finding.probability if finding.raw is None else finding.raw
    return finding.critic in DETERMINISTIC and not said


@dataclass(frozen=True)
class Verdict:
    """What a draft comes to. `score` is weighted compliance, 1 is best; `breach` the highest probability that a
    rule is broken, 0 is best; either is `None` where nothing was decided that it could be made from."""

    outcome: VerdictOutcome
    score: float | None
    breach: float | None
    judgements: tuple[Judgement, ...] = field(default=())

    def of(self, outcome: FindingOutcome) -> tuple[Judgement, ...]:
        """The judgements with this outcome, in the order of the rules."""
        return tuple(j for j in self.judgements if j.outcome == outcome)

    @property
    def broken(self) -> tuple[Judgement, ...]:
        """Broken rules that keep the draft from being released: all but those that only flag."""
        return tuple(j for j in self.of("broken") if j.rule.action != "flag")

    @property
    def usage(self) -> Usage:
        return sum((f.usage for j in self.judgements for f in j.findings), Usage())


def weigh(manifesto: Manifesto, rules: Sequence[Rule], findings: Iterable[Finding]) -> Verdict:
    """Weigh findings, calibrated as their rules say, by the manifesto's weights, thresholds and actions.

    - `veto`: a rule with that action is broken, whatever the total.
    - `revise`: another rule is broken (but for `flag`), or a draft's score is below `release`.
    - `undecided`: nothing is broken, but a rule was not judged and its `on_undecided` is not `release`.
      A `flag` rule never holds a draft back, broken or undecided: it is on record.
    """
    by_rule: dict[str, list[Finding]] = {rule.id: [] for rule in rules}
    for finding in findings:
        if finding.rule in by_rule:
            by_rule[finding.rule].append(finding)
    judgements = tuple(Judgement(rule, tuple(calibrated(rule, f) for f in by_rule[rule.id])) for rule in rules)
    score = _score(judgements)
    return Verdict(_outcome(manifesto, judgements, score), score, _breach(judgements), judgements)


def _outcome(manifesto: Manifesto, judgements: Sequence[Judgement], score: float | None) -> VerdictOutcome:
    binding = [j for j in judgements if j.rule.action != "flag"]
    broken = [j for j in binding if j.outcome == "broken"]
    if any(j.rule.action == "veto" for j in broken):
        return "veto"
    if broken:
        return "revise"
    open_ = [j for j in binding if j.outcome == "undecided"]
    if any(manifesto.undecided_policy(j.rule) != "release" for j in open_):
        return "undecided"
    # The score is about drafts. `not >=` rather than `<`, so that nothing odd passes.
    drafted = any(j.rule.applies_to == "output" for j in judgements)
    return "revise" if drafted and score is not None and not score >= manifesto.release else "pass"


def _score(judgements: Iterable[Judgement]) -> float | None:
    counted = [
        (j.rule.weight, 1 - j.probability)
        for j in judgements
        if j.probability is not None and j.rule.action != "flag" and j.rule.weight
    ]
    if not counted:
        return None
    mean = math.fsum(weight * kept for weight, kept in counted) / math.fsum(weight for weight, _ in counted)
    # To decimals, and held to what it can come to at all: a hair below `release`, a good draft would be sent back.
    return min(max(kept for _, kept in counted), max(min(kept for _, kept in counted), round(mean, 12)))


def _breach(judgements: Iterable[Judgement]) -> float | None:
    # The worst rule's. Noisy-or would be right if rules failed independently; one thing that is wrong breaks several,
    # and it is then far too sure (docs/loop.md).
    return max((j.probability for j in judgements if j.probability is not None), default=None)
