"""What a form costs an ordinary task: how often the model still finds the right answer likeliest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np

from critics import Message
from pipeline.identity.questions import Question
from pipeline.llama import LlamaModel, LlamaReader


def longest(questions: Sequence[Question], model: LlamaModel, system: Message) -> int:
    """Tokens of the longest question with its longest answer."""
    return max(len(asked) + len(answer) for question in questions for asked, answer in _ids(question, model, system))


def share_right(questions: Sequence[Question], reader: LlamaReader, model: LlamaModel, system: Message | None) -> float:
    """The share of questions of which the right answer is found likeliest, by the byte, so that a long one is at no
    disadvantage (`acc_norm` of the Language Model Evaluation Harness, Gao et al.). Read with what the reader wears."""
    return fmean(_chosen(question, reader, model, system) == question.right for question in questions)


def _chosen(question: Question, reader: LlamaReader, model: LlamaModel, system: Message | None) -> int:
    found = []
    for (asked, answer), text in zip(_ids(question, model, system), question.answers, strict=True):
        logs = reader.log_likelihoods((*asked, *answer), len(asked))
        found.append(float(logs.sum()) / len(text.encode()))
    return int(np.argmax(found))


def _ids(
    question: Question, model: LlamaModel, system: Message | None
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """What is read before each answer, and the answer."""
    turns = [*([system] if system else []), Message("user", question.asked)]
    asked = tuple(model.prompt(turns))
    return ((asked, tuple(model.tokenise(answer, False))) for answer in question.answers)
