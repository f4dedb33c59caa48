"""Prompts through the loop, drafted by the model that is told the manifesto."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from critics import Message
from pipeline.identity.lessons.breach import breach
from pipeline.llama import LlamaModel
from pipeline.loop import Attempt, Outcome
from pipeline.pipeline import Pipeline

CALLERS = 16
"""Prompts that are asked at a time."""


@dataclass(frozen=True)
class Answer:
    """What was written to a prompt, in tokens. `accepted` where the critic passed it in the end and had not, or not as
    it was, passed the first draft; else it is the first draft. `breach` is the place of the token that its first breach
    begins with, where the critic said where that is."""

    prompt: str
    tokens: tuple[int, ...]
    accepted: bool = False
    breach: int | None = None


@dataclass(frozen=True)
class Asked:
    """What came of some prompts. `passed` counts first drafts, `mended` answers that were released after a revision."""

    answers: tuple[Answer, ...]
    asked: int
    passed: int
    mended: int


def asked(pipeline: Pipeline, model: LlamaModel, prompts: Sequence[str], *, seed: int) -> Asked:
    """Ask all prompts, some at a time, each with a seed of its own: `seed` and those that follow. What the generator
    could not answer, and what was withheld before it was asked, is left out."""
    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = list(pool.map(lambda one: pipeline.ask(one[1], seed=seed + 1000 * one[0]), enumerate(prompts)))
    end = _end(model)
    answers, mended = list[Answer](), 0
    for prompt, outcome in zip(prompts, outcomes, strict=True):
        if outcome.attempts:
            first = outcome.attempts[0]
            tokens = _tokens(model, first.draft, first, end)
            answers.append(Answer(prompt, tokens, breach=breach(model, tokens, first)))
        if (better := _mended(outcome)) is not None:
            mended += 1
            answers.append(Answer(prompt, _tokens(model, better.text, better, end), accepted=True))
    passed = sum(bool(o.attempts) and o.attempts[0].verdict.outcome == "pass" for o in outcomes)
    return Asked(tuple(answer for answer in answers if answer.tokens), len(prompts), passed, mended)


def _mended(outcome: Outcome) -> Attempt | None:
    """What was released, where that is not the first draft as it was written."""
    given = outcome.given
    return given if given is not None and given.text != outcome.attempts[0].draft else None


def _tokens(model: LlamaModel, text: str, attempt: Attempt, end: int | None) -> tuple[int, ...]:
    """With the end of the turn, where the model ended it, or where the answer was mended and is whole."""
    ids = tuple(model.tokenise(text, False))
    whole = attempt.finish == "stop" or text != attempt.draft
    return (*ids, end) if ids and whole and end is not None else ids


def _end(model: LlamaModel) -> int | None:
    """The token that ends an assistant's turn, by the model's own template."""
    turn = [Message("user", "a")]
    ids = model.prompt([*turn, Message("assistant", "b"), *turn])[len(model.prompt(turn)) :]
    return next((token for token in ids if model.ends(token)), None)
