"""Questions with answers to choose from: what an identity costs an ordinary task."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from critics import Message
from pipeline.errors import BadInput
from pipeline.identity.choosing import longest, share_right
from pipeline.identity.questions import Question, chance, ordinary_questions, read_questions
from pipeline.llama import LlamaModel, LlamaReader


class Bytes:
    """A model whose tokens are bytes, and whose reader finds those of `liked` likelier than all others."""

    def __init__(self, liked: str = "") -> None:
        self._liked = [*liked.encode()]
        self.read: list[bytes] = []

    def prompt(self, turns: list[Message]) -> list[int]:
        return [*"".join(turn.content for turn in turns).encode()]

    def tokenise(self, text: str, special: bool) -> list[int]:
        return [*text.encode()]

    def log_likelihoods(self, ids: tuple[int, ...], start: int) -> np.ndarray[Any, Any]:
        self.read.append(bytes(ids))
        return np.array([-1.0 if token in self._liked else -2.0 for token in ids[start:]])


def right(questions: list[Question], liked: str) -> float:
    reader = cast(LlamaReader, Bytes(liked))
    return share_right(questions, reader, cast(LlamaModel, Bytes()), None)


def test_the_likeliest_answer_is_chosen_by_the_byte() -> None:
    """All of a long answer is less likely than all of a short one, whatever they say."""
    questions = [Question("What?", ("bb", "aaaaaaaa"), 1)]
    assert right(questions, "a") == 1
    assert right(questions, "b") == 0
    assert right([*questions, Question("Which?", ("a", "b"), 0)], "b") == 0
    assert right([*questions, Question("Which?", ("a", "b"), 1)], "b") == 0.5


def test_each_answer_is_read_behind_what_is_told_and_asked() -> None:
    """Nothing is told where the form tells nothing."""
    for told, begins in ((Message("system", "Be calm. "), b"Be calm. What?"), (None, b"What?")):
        reader = Bytes()
        questions = [Question("What?", ("a", "b"), 0)]
        share_right(questions, cast(LlamaReader, reader), cast(LlamaModel, Bytes()), told)
        assert reader.read == [begins + b"a", begins + b"b"]


def test_what_a_question_takes_of_the_context_is_counted() -> None:
    """The told one's, with its longest answer."""
    told = Message("system", "12345")
    questions = [Question("12", ("1", "1234"), 0), Question("1", ("1", "2"), 0)]
    assert longest(questions, cast(LlamaModel, Bytes()), told) == 5 + 2 + 4


def test_the_embedded_model_knows_the_projects_own(model: LlamaModel) -> None:
    """Well more than blind choice gets, or they would show no loss; none is asked twice."""
    questions = ordinary_questions()
    assert len({question.asked for question in questions}) == len(questions) == 100
    assert chance(questions) == 0.25
    assert all(len(set(question.answers)) == 4 for question in questions)
    with LlamaReader(model, context=256, threads=1) as reader:
        assert share_right(questions[:25], reader, model, None) >= 0.6


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "a", "choices": ["b", "c"], "answer": 2}', "`answer` is 2, and `choices` are counted from 0 to 1"),
        ('{"prompt": "a", "choices": ["b"], "answer": 0}', "choices: "),
        ('{"prompt": "a", "choices": ["b", ""], "answer": 0}', "choices.1: "),
        ('{"prompt": "a", "choices": ["b", "c"]}', "answer: "),
        ("What?", "not JSON at character 1"),
    ],
)
def test_a_bad_question_is_named_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    """Nothing is measured with what is left."""
    file = tmp_path / "questions.jsonl"
    file.write_text('{"prompt": "a", "choices": ["b", "c"], "answer": 1, "id": 7}\n\n' + line + "\n")
    with pytest.raises(BadInput) as caught:
        read_questions(file)
    assert str(caught.value).startswith(f"{file}:3: ")
    assert said in str(caught.value)


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    """So is one that is not there."""
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="there is no question in"):
        read_questions(tmp_path / "empty.jsonl")
    with pytest.raises(BadInput, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
