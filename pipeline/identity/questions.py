"""Questions with answers to choose from, as public sets of ordinary tasks have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pipeline.errors import BadInput
from pipeline.files.inputs import BadLine, ChoiceIn, file_lines

_ORDINARY = Path(__file__).parent / "prompts" / "questions.jsonl"


@dataclass(frozen=True)
class Question:
    """What is asked, the answers there are, and the place of the right one among them, from 0 on."""

    asked: str
    answers: tuple[str, ...]
    right: int


def read_questions(file: Path) -> list[Question]:
    """JSON lines of `prompt`, `choices` and `answer`. Raises `BadInput`, naming file and line."""
    found = list(_read(file))
    if not found:
        raise BadInput(f"there is no question in {file}: give JSON lines with `prompt`, `choices` and `answer`")
    return found


def ordinary_questions() -> list[Question]:
    """The project's own: a hundred that children can answer."""
    return read_questions(_ORDINARY)


def chance(questions: Sequence[Question]) -> float:
    """The share that blind choice gets right."""
    return fmean(1 / len(question.answers) for question in questions)


def _read(file: Path) -> Iterator[Question]:
    for number, line in file_lines(file, ChoiceIn):
        if isinstance(line, BadLine):
            raise BadInput(f"{file}:{number}: {line.why}")
        yield Question(line.prompt, line.choices, line.answer)
