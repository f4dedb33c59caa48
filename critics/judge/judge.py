"""A model scores each rule by the probability of *yes* against *no* at one token.

After Llama Guard (arXiv 2312.06674) and Granite Guardian, which read the probability of a verdict token instead of
having prose written. A model that tells no probabilities is asked for a verdict under a JSON schema instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from critics.errors import ModelError, Unreadable
from critics.exchange import Exchange, Message
from critics.finding import Finding, Usage
from critics.follow import Follow
from critics.judge.ahead import Ahead
from critics.judge.model import JudgeModel, NoLogProbabilities, Prompt, Reading, ReadsAhead
from critics.judge.prompts import CHOICES, VERDICT_SCHEMA, Asking, Conversation, Fenced, Material, Rulebook
from critics.judge.reading import read_verdict
from critics.manifesto.schema import Rule, Side
from critics.text.fence import neutralise
from critics.text.normalise import normalise, visible
from critics.text.windows import windows

MIN_MASS = 0.02
"""Less probability than this on both choices together, and the model was not answering the question."""

_CRITIQUE_TOKENS = 60
_VERDICT_TOKENS = 64
_SPARE_TOKENS = 16
_SIDES: tuple[Side, ...] = ("input", "output")


class Judge:
    """The model critic. `beliefs` and `provenance` are the manifesto's; `critiques` asks for prose on broken rules.

    `rules` are all that it may be asked about. They stand numbered in a system message that stays the same, so that a
    rule costs a few tokens; asked about another one, it lists the rules asked about instead. `in_place` asks in the
    generator's own conversation where that can be (see `Conversation`): cheaper, and less safe. `trained` says that the
    model learnt to be asked so: then it always is.
    """

    def __init__(
        self,
        model: JudgeModel,
        *,
        beliefs: str = "",
        provenance: str = "",
        rules: Sequence[Rule] = (),
        critiques: bool = True,
        in_place: bool = False,
        trained: bool = False,
    ) -> None:
        self.name = "judge"
        self._model = model
        self._rulebook = partial(Rulebook, beliefs=beliefs, provenance=provenance, prefilled=model.prefills)
        self._rulebooks = {side: self._rulebook(side, rules) for side in _SIDES}
        self._critiques = critiques
        self._in_place = in_place
        self._trained = trained

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        scores = [_Score(rule) for rule in rules]
        for asking in self._askings(exchange, rules):
            self._score(asking, scores)
        return [self._finding(score) for score in scores]

    @contextmanager
    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Follow | None]:
        """Read a draft for these rules as it grows, where the model can."""
        if not isinstance(self._model, ReadsAhead):
            yield None
            return

        def asked(draft: str) -> Prompt:
            text, shown = self._shown(replace(exchange, draft=draft), rules)
            return shown(text).question(rules[0])

        with self._model.following() as read:
            yield read and Ahead(read, asked)

    def _askings(self, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Asking]:
        """Ways to ask that together show the whole exchange: one where it fits the model's context, else windows."""
        here = None
        if self._in_place and not self._trained:
            here = Conversation.as_written(exchange, rules, prefilled=self._model.prefills)
        if here is not None and self._room(here, rules) >= 0:
            yield here
            return
        yield from self._parts(*self._shown(exchange, rules), rules)

    def _shown(self, exchange: Exchange, rules: Sequence[Rule]) -> tuple[str | None, Callable[[str | None], Asking]]:
        """The draft as it is shown, and how to ask about it or a part of it."""
        if self._trained:
            draft = None if exchange.draft is None else normalise(exchange.draft).text
            return draft, partial(Conversation.unmasked, exchange)
        books = {
            side: book if book.lists(rules) else self._rulebook(side, rules) for side, book in self._rulebooks.items()
        }
        material = Material(exchange)
        return material.draft, lambda part: Fenced(books, material.shown(part))

    def _parts(self, draft: str | None, asking: Callable[[str | None], Asking], rules: Sequence[Rule]) -> list[Asking]:
        """One asking that shows the whole draft where it fits the model's context, else several that show overlapping
        parts of it."""
        text = draft or ""
        room = self._room(asking(draft and ""), rules)
        if room == math.inf or self._count(text) <= room:
            return [asking(draft)]
        if room < 32:
            raise ModelError(
                f"conversation and rule leave {room:.0f} of the judge's {self._model.context} tokens for the draft"
            )
        spans = windows(text, size=int(room), overlap=int(room) // 5, measure=self._count)
        return [asking(text[slice(*span)]) for span in spans]

    def _room(self, asking: Asking, rules: Sequence[Rule]) -> float:
        """Tokens of the context that the longest prompt and its answer leave."""
        context = self._model.context
        if context is None:
            return math.inf
        longest = max(rules, key=lambda rule: self._count(rule.statement))
        why = self._model.count(asking.why(longest)) + _CRITIQUE_TOKENS
        written = self._model.count(asking.written(longest)) + _VERDICT_TOKENS
        return context - max(why, written) - _SPARE_TOKENS

    def _count(self, text: str) -> int:
        """Tokens of a text as it is shown: what is neutralised may be longer."""
        return self._model.count([Message("user", neutralise(text))])

    def _score(self, asking: Asking, scores: Sequence[_Score]) -> None:
        try:
            readings = self._model.choose([asking.question(score.rule) for score in scores], CHOICES)
        except NoLogProbabilities:
            for score in scores:
                probability, usage, doubt = self._written(asking.written(score.rule))
                score.add(probability, usage, doubt, asking)
            return
        for score, reading in zip(scores, readings, strict=True):
            score.add(_probability(reading), reading.usage, _doubt(reading), asking)

    def _written(self, prompt: Prompt) -> tuple[float | None, Usage, str]:
        written = self._model.write(prompt, max_tokens=_VERDICT_TOKENS, schema=VERDICT_SCHEMA)
        try:
            return float(read_verdict(written.text, CHOICES) == "yes"), written.usage, ""
        except Unreadable as exc:
            return None, written.usage, str(exc)

    def _finding(self, score: _Score) -> Finding:
        critique, usage, failed = "" if score.broken else score.doubt, score.usage, False
        if score.broken and score.worst is not None and self._critiques:
            try:
                said = self._model.write(score.worst.why(score.rule), max_tokens=_CRITIQUE_TOKENS)
            except ModelError:
                failed = True  # The verdict stands without its prose; the rule's own advice is still given.
            else:
                critique, usage = " ".join(visible(said.text).split())[:300], usage + said.usage
        return Finding(
            score.rule.id, self.name, score.probability, critique, usage=usage, in_part=score.unread, unexplained=failed
        )


class _Score:
    """One rule's probability over all windows: the worst window decides, and one unread window leaves it undecided
    unless another is broken."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.usage = Usage()
        self.doubt = ""
        self.worst: Asking | None = None
        self._worst = -1.0
        self.unread = False

    def add(self, probability: float | None, usage: Usage, doubt: str, asking: Asking) -> None:
        self.usage += usage
        if probability is None:
            self.unread = True
            self.doubt = doubt
        elif probability > self._worst:
            self._worst, self.worst = probability, asking

    @property
    def broken(self) -> bool:
        return self._worst >= self.rule.threshold

    @property
    def probability(self) -> float | None:
        undecided = self._worst < 0 or (self.unread and not self.broken)
        return None if undecided else self._worst


def _probability(reading: Reading) -> float | None:
    yes, no = (reading.mass.get(choice, 0.0) for choice in CHOICES)
    together = yes + no
    probability = yes / together if together >= MIN_MASS else -1.0  # NaN compares false, so it is undecided too
    return probability if 0 <= probability <= 1 else None


def _doubt(reading: Reading) -> str:
    return f"the model gave yes and no {sum(reading.mass.values()):.2g} of its probability: it did not answer"
