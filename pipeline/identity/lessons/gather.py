"""Lessons from prompts, some at a time, kept in a folder so that a run that was stopped goes on with the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from critics import Message
from pipeline.identity.lessons.answers import Answer, Asked, asked
from pipeline.identity.lessons.kept import read_lessons, write_lessons
from pipeline.identity.lessons.lesson import Gathered, Lesson, likely
from pipeline.identity.lessons.prompts import SEEDS
from pipeline.llama import LlamaModel, LlamaReader
from pipeline.pipeline import Pipeline

AT_A_TIME = 48
"""Prompts after which what they gave is kept."""


@dataclass(frozen=True)
class Course:
    """`learnt` tokens of a first draft are learnt from: how a model takes up a manifesto shows in its first sentences.
    Of an answer that was accepted all are, since how it ends may be what was asked for; of a draft that broke a rule
    those up to where it did."""

    learnt: int = 64
    seed: int = 0


def gathered(
    pipeline: Pipeline,
    told: Message,
    model: LlamaModel,
    prompts: Sequence[str],
    folder: Path,
    course: Course = Course(),
    *,
    threads: int | None = None,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> Gathered:
    """Ask all prompts of a pipeline whose generator is `told` the manifesto, and read the answers with the told model.

    What is in `folder` is not asked again: that it is of the same prompts and manifesto is the caller's affair.
    """
    found = Gathered()
    for begin in range(0, len(prompts), AT_A_TIME):
        some = prompts[begin : begin + AT_A_TIME]
        file = folder / f"lessons-{begin:05}-{begin + len(some):05}.npz"
        if not file.is_file():
            came = asked(pipeline, model, some, seed=(1_000_000 * course.seed + 1000 * begin) % SEEDS)
            write_lessons(file, _read(came, told, model, course, threads))
        found += read_lessons(file)
        stepped(begin + len(some), len(prompts))
    return found


def _read(came: Asked, told: Message, model: LlamaModel, course: Course, threads: int | None) -> Gathered:
    counts = Gathered((), came.asked, came.passed, came.mended)
    answers = [(answer, _prompts(answer, told, model)) for answer in came.answers]
    if not answers:
        return counts
    longest = max(len(heard) + len(answer.tokens) for answer, (heard, _) in answers)
    lessons = []
    with LlamaReader(model, context=longest, threads=threads) as reader:
        for answer, (heard, plain) in answers:
            struck = answer.breach is not None
            tokens = answer.tokens[: _learnt(answer, course)]
            logs = reader.log_probabilities((*heard, *tokens), len(heard))
            lessons.append(Lesson(heard, plain, tokens, *likely(logs), answer.accepted, struck))
    return replace(counts, lessons=tuple(lessons))


def _learnt(answer: Answer, course: Course) -> int:
    """Tokens of it."""
    if answer.breach is not None:
        return answer.breach + 1
    return len(answer.tokens) if answer.accepted else course.learnt


def _prompts(answer: Answer, told: Message, model: LlamaModel) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """As the told model reads it, and as the untold one does."""
    user = Message("user", answer.prompt)
    return tuple(model.prompt([told, user])), tuple(model.prompt([user]))
