"""The guard critic: a published guard model judges an exchange in the form that it was trained for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from critics.errors import ModelError, Unreadable
from critics.exchange import Exchange, Message
from critics.finding import Finding, Usage
from critics.guard.asking import Subject, bare, conversation
from critics.guard.families import GuardFamily
from critics.guard.model import GuardAnswer, GuardModel, GuardPrompt
from critics.guard.opinion import known, opinion, probability
from critics.manifesto.schema import Guard, Rule, Side
from critics.text.windows import windows

_NAME = "guard"
_SPARE_TOKENS = 16
_LEAST_ROOM = 32
_SIDES: tuple[Side, ...] = ("input", "output")


@dataclass
class _Score:
    """One rule over all calls: the worst decides, and one that could not be read leaves it undecided, unless broken."""

    rule: Rule
    usage: Usage = Usage()
    worst: float = -1.0
    doubts: list[str] = field(default_factory=list)
    said: str = ""

    def add(self, chance: float | None, said: str) -> None:
        if chance is None:
            self.doubts.append(said)
        elif chance > self.worst:
            self.worst, self.said = chance, said

    def finding(self) -> Finding:
        broken = self.worst >= self.rule.threshold
        if broken or (self.worst >= 0 and not self.doubts):
            said, in_part = self.said if broken else "", bool(self.doubts)
            return Finding(self.rule.id, _NAME, self.worst, said, usage=self.usage, in_part=in_part)
        doubt = self.doubts[0] if self.doubts else "the guard model was not asked"
        return Finding(self.rule.id, _NAME, None, " ".join(doubt.split())[:300], usage=self.usage)


@dataclass(frozen=True)
class _Question:
    """What one call is about, and whose rules it answers."""

    subject: Subject
    scores: tuple[_Score, ...]


class GuardCritic:
    """Asks a guard model of a family: once for all rules where it answers with codes, else once a rule.

    `rules` are all that it may be asked about: codes that none of them is about are not looked for. `thinks` lets the
    model reason before its verdict, in up to `max_tokens`, where its family can. `categories` are codes of the user's
    own and what they mean, for Llama Guard's templates.
    """

    def __init__(
        self,
        model: GuardModel,
        family: GuardFamily,
        *,
        rules: Sequence[Rule] = (),
        thinks: bool = False,
        max_tokens: int = 1024,
        categories: Mapping[str, str] | None = None,
    ) -> None:
        self.name = _NAME
        self._model = model
        self._family = replace(family, codes=tuple(categories)) if categories else family
        self._max_tokens = max(max_tokens, family.max_tokens) if thinks or family.thinks else family.max_tokens
        mapped = {code for rule in rules for code in known(self._family, (rule.guard or Guard()).codes)}
        excluded = tuple(code for code in self._family.codes if code not in mapped) if rules else ()
        self._subject = Subject("output", excluded=excluded, categories=categories or {}, thinks=thinks)

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        scores = [_Score(rule) for rule in rules]
        for side in _SIDES:
            if own := [score for score in scores if score.rule.applies_to == side]:
                self._judge(exchange, side, own)
        return [score.finding() for score in scores]

    def _judge(self, exchange: Exchange, side: Side, scores: Sequence[_Score]) -> None:
        turns = conversation(exchange)
        if not turns:
            raise ModelError("there is no user turn, and a guard model judges an exchange")
        if side == "output":
            if exchange.draft is None:
                raise ModelError("there is no draft to judge")
            turns.append(Message("assistant", bare(exchange.draft)))
        questions = list(self._questions(side, scores))
        for shown in self._windows(turns, questions):
            prompts = [self._family.ask(question.subject, shown) for question in questions]
            for question, answer in zip(questions, self._answers(prompts, side), strict=True):
                told = opinion(self._family, answer, side)
                question.scores[0].usage += answer.usage  # the call's cost, counted once
                for score in question.scores:
                    score.add(*probability(self._family, score.rule, told))

    def _questions(self, side: Side, scores: Sequence[_Score]) -> Iterator[_Question]:
        subject = replace(self._subject, side=side)
        if not self._family.one_by_one:
            yield _Question(subject, tuple(scores))
            return
        for score in scores:
            options = score.rule.guard or Guard()
            for code in options.codes:
                yield _Question(replace(subject, code=self._family.known(code) or code), (score,))
            if options.criterion or not options.codes:
                words = options.criterion or score.rule.statement
                broken = options.criterion or _BROKEN[side].format(score.rule.statement)
                yield _Question(replace(subject, criterion=words, broken=broken), (score,))

    def _answers(self, prompts: Sequence[GuardPrompt], side: Side) -> list[GuardAnswer]:
        """The verdict read as the first word where the family gives it there; else, or where it did not, written."""
        family, answers = self._family, [GuardAnswer() for _ in prompts]
        if family.first:
            answers = list(self._model.read(prompts, family.words))
        if silent := [i for i, answer in enumerate(answers) if opinion(family, answer, side).doubt]:
            asked = [prompts[i] for i in silent]
            place = partial(_place, family, side)
            written = self._model.write(asked, family.words, place, max_tokens=self._max_tokens)
            for i, answer in zip(silent, written, strict=True):
                answers[i] = replace(answer, usage=answers[i].usage + answer.usage)
        return answers

    def _windows(self, turns: Sequence[Message], questions: Sequence[_Question]) -> Iterator[Sequence[Message]]:
        """All turns where they fit the model's context; else the last exchange, and what is judged of it in parts."""
        *before, judged = turns
        length = self._model.tokens(judged.content)
        while True:
            room = self._room([*before, Message(judged.role, "")], questions)
            if room is None or length <= room:
                yield [*before, judged]
                return
            if len(before) < 2:
                break
            before = before[2:]  # the oldest turn of the user's and the answer to it
        if room < _LEAST_ROOM:
            raise ModelError(f"the conversation leaves {room} of the guard's {self._model.context} tokens to the text")
        for span in windows(judged.content, size=room, overlap=room // 5, measure=self._model.tokens):
            yield [*before, Message(judged.role, judged.content[slice(*span)])]

    def _room(self, turns: Sequence[Message], questions: Sequence[_Question]) -> int | None:
        """Tokens of the context that the longest prompt without the judged text, and its answer, leave."""
        if self._model.context is None:
            return None
        longest = max(self._model.count(self._family.ask(question.subject, turns)) for question in questions)
        return self._model.context - longest - self._max_tokens - _SPARE_TOKENS


def _place(family: GuardFamily, side: Side, text: str) -> int | None:
    try:
        return family.read(text, side).place
    except Unreadable:
        return None


_BROKEN: Mapping[Side, str] = {
    "output": "The assistant's last message breaks this rule: {}",
    "input": "The user's last message breaks this rule: {}",
}
