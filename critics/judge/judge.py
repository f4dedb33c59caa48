"""A model scores each rule by the probability of *yes* against *no* at one token.

After Llama Guard (arXiv 2312.06674) and Granite Guardian, which read the probability of a verdict token instead of
having prose written. A model that tells no probabilities is asked for a verdict under a JSON schema instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from critics.errors import ModelError, Unreadable
from critics.exchange import Exchange, Message
from critics.finding import Finding, Span, Usage
from critics.judge.model import JudgeModel, NoLogProbabilities, Reading
from critics.judge.prompts import CHOICES, VERDICT_SCHEMA, Material, preamble, question, why
from critics.judge.reading import read_verdict
from critics.manifesto.schema import Rule
from critics.text.normalise import visible
from critics.text.windows import windows

MIN_MASS = 0.02
"""Less probability than this on both choices together, and the model was not answering the question."""

_CRITIQUE_TOKENS = 60
_ANSWER_TOKENS = 16


class Judge:
    """The model critic. `beliefs` and `provenance` are the manifesto's; `critiques` asks for prose on broken rules."""

    def __init__(self, model: JudgeModel, *, beliefs: str = "", provenance: str = "", critiques: bool = True) -> None:
        self.name = "judge"
        self._model = model
        self._system = preamble(beliefs, provenance)
        self._critiques = critiques

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        material = Material(exchange)
        spans = self._windows(material, rules)
        scores = [_Score(rule) for rule in rules]
        for span in spans:
            shown = material.shown(None if material.draft is None else material.draft[slice(*span)])
            self._score(shown, scores)
        return [self._finding(score) for score in scores]

    def _windows(self, material: Material, rules: Sequence[Rule]) -> tuple[Span, ...]:
        """The whole draft where it fits the model's context, else overlapping parts that do."""
        text, context = material.draft or "", self._model.context
        whole = (Span(0, len(text)),)
        if context is None:
            return whole
        longest = max(rules, key=lambda rule: len(rule.statement))
        around = self._model.count(why(question(self._system, material.shown(material.draft and ""), longest)))
        room = context - around - _CRITIQUE_TOKENS - _ANSWER_TOKENS
        if self._count(text) <= room:
            return whole
        if room < 32:
            raise ModelError(f"conversation and rule leave {room} of the judge's {context} tokens for the draft")
        return windows(text, size=room, overlap=room // 5, measure=self._count)

    def _count(self, text: str) -> int:
        return self._model.count([Message("user", text)])

    def _score(self, shown: str, scores: Sequence[_Score]) -> None:
        prompts = [question(self._system, shown, score.rule) for score in scores]
        try:
            readings = self._model.choose(prompts, CHOICES)
        except NoLogProbabilities:
            for score in scores:
                probability, usage, doubt = self._written(question(self._system, shown, score.rule, as_json=True))
                score.add(probability, usage, doubt, shown)
            return
        for score, reading in zip(scores, readings, strict=True):
            score.add(_probability(reading), reading.usage, _doubt(reading), shown)

    def _written(self, prompt: list[Message]) -> tuple[float | None, Usage, str]:
        written = self._model.write(prompt, max_tokens=_ANSWER_TOKENS * 4, schema=VERDICT_SCHEMA)
        try:
            return float(read_verdict(written.text, CHOICES) == "yes"), written.usage, ""
        except Unreadable as exc:
            return None, written.usage, str(exc)

    def _finding(self, score: _Score) -> Finding:
        critique, usage = "" if score.broken else score.doubt, score.usage
        if score.broken and self._critiques:
            try:
                said = self._model.write(
                    why(question(self._system, score.worst_shown, score.rule)), max_tokens=_CRITIQUE_TOKENS
                )
            except ModelError:
                pass  # The verdict stands without its prose; the rule's own advice is still given.
            else:
                critique, usage = " ".join(visible(said.text).split())[:300], usage + said.usage
        return Finding(score.rule.id, self.name, score.probability, critique, usage=usage)


class _Score:
    """One rule's probability over all windows: the worst window decides, and one unread window leaves it undecided
    unless another is broken."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.usage = Usage()
        self.doubt = ""
        self.worst_shown = ""
        self._worst = -1.0
        self._unread = False

    def add(self, probability: float | None, usage: Usage, doubt: str, shown: str) -> None:
        self.usage += usage
        if probability is None:
            self._unread = True
            self.doubt = doubt
        elif probability > self._worst:
            self._worst, self.worst_shown = probability, shown

    @property
    def broken(self) -> bool:
        return self._worst >= self.rule.threshold

    @property
    def probability(self) -> float | None:
        undecided = self._worst < 0 or (self._unread and not self.broken)
        return None if undecided else self._worst


def _probability(reading: Reading) -> float | None:
    yes, no = (reading.mass.get(choice, 0.0) for choice in CHOICES)
    together = yes + no
    return yes / together if together >= MIN_MASS else None  # NaN compares false, so it is undecided too


def _doubt(reading: Reading) -> str:
    return f"the model gave yes and no {sum(reading.mass.values()):.2g} of its probability: it did not answer"
