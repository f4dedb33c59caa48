"""What people hand in: prompts and texts to judge, as JSON lines or as plain lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from critics import Message, Source
from pipeline.errors import BadInput
from pipeline.files.csv_lines import csv_lines
from pipeline.files.labels import Label, truth

Id = str | int
_Words = Annotated[str, Field(min_length=1)]


def _there(given: object) -> object:
    """What is null is not there: a table that is written out has every key in every row."""
    return {key: said for key, said in given.items() if said is not None} if isinstance(given, Mapping) else given


_Labels = Annotated[Mapping[str, Label], BeforeValidator(_there)]


class _Record(BaseModel):
    # Other columns (labels, notes) are the user's own and stay out of our way.
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _said(cls, given: object) -> object:
        return _there(given)


class SourceIn(_Record):
    text: str
    origin: str = ""
    published: str = ""
    kind: str = ""


class MessageIn(_Record):
    role: Literal["system", "user", "assistant"]
    content: str


class PromptIn(_Record):
    """One prompt of a batch: `prompt`, or `messages` that end with the user's turn. `manifesto` is a shipped name or a
    path, where the record has its own."""

    id: Id | None = None
    prompt: _Words | None = None
    messages: Annotated[tuple[MessageIn, ...], Field(min_length=1)] | None = None
    context: tuple[SourceIn, ...] = ()
    manifesto: _Words | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> PromptIn:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either `prompt` or `messages`")
        return self

    @property
    def conversation(self) -> tuple[Message, ...]:
        if self.messages is None:
            return (Message("user", self.prompt or ""),)
        return tuple(Message(m.role, m.content) for m in self.messages)


class JudgeIn(_Record):
    """One exchange to be judged; with no `response` the text itself is judged as input."""

    id: Id | None = None
    text: str = ""
    response: str | None = None
    context: tuple[SourceIn, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: object) -> object:
        """Under other names there would be nothing to judge, and nobody would know why."""
        if isinstance(given, Mapping) and not {"text", "response"} & given.keys():
            keys = ", ".join(f"`{key}`" for key in given) or "no key"
            raise ValueError(f"it has {keys}; `text` is what was asked, and `response` what was answered")
        return given

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not (self.text.strip() or self.response):
            raise ValueError("`text` and `response` are both empty: there is nothing to judge")
        return self


class LabelledIn(JudgeIn):
    """One exchange with the truth about it: 1 where it breaks a rule, 0 where it keeps them all. An empty `response` is
    none.

    `rule` names the one that `label` is about; `labels` tells of several, by id, and is what `label` follows from where
    it is left out.
    """

    text: str
    label: Label
    rule: str | None = None
    labels: _Labels = {}
    category: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _follows(cls, given: object) -> object:
        if isinstance(given, Mapping) and given.get("label") is None:
            labels = _there(given.get("labels"))
            if labels and isinstance(labels, Mapping):
                # Of the rule that is named it says nothing but what is among `labels`.
                return {**given, "label": int(any(map(truth, labels.values()))), "rule": None}
        return given

    @model_validator(mode="after")
    def _one_truth(self) -> LabelledIn:
        if self.rule is not None and self.labels.get(self.rule, self.label) != self.label:
            raise ValueError(f"`label` and `labels` disagree about the rule `{self.rule}`")
        if not self.label and any(self.labels.values()):
            raise ValueError("`label` is 0, but by `labels` a rule is broken")
        return self


class TrainingIn(JudgeIn):
    """One exchange and which rules it breaks, each by its id or stated in words; `label` and `rule` do for one."""

    text: _Words
    labels: _Labels = {}
    label: Label | None = None
    rule: str | None = None
    source: str | None = None


class ChoiceIn(_Record):
    """A question with answers to choose from; `answer` is the place of the right one, from 0 on."""

    prompt: _Words
    choices: Annotated[tuple[_Words, ...], Field(min_length=2)]
    answer: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _one_of_them(self) -> ChoiceIn:
        if self.answer >= len(self.choices):
            raise ValueError(f"`answer` is {self.answer}, and `choices` are counted from 0 to {len(self.choices) - 1}")
        return self


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be used, and why. Lines count from 1."""

    line: int
    why: str
    id: Id | None = None


R = TypeVar("R", bound=_Record)


def sources(given: Iterable[SourceIn]) -> tuple[Source, ...]:
    return tuple(Source(s.text, s.origin, s.published, s.kind) for s in given)


def read_sources(text: str, name: str) -> tuple[Source, ...]:
    """A file of sources: a JSON list of `{text, origin, published, kind}`. Raises `BadInput`."""
    try:
        return sources(_Sources.model_validate({"context": json.loads(text)}).context)
    except json.JSONDecodeError as exc:
        raise BadInput(f"{name}:{exc.lineno}:{exc.colno}: not JSON: {exc.msg}") from exc
    except ValidationError as exc:
        raise BadInput(f"{name}: {first_fault(exc)}") from exc
    except (RecursionError, ValueError) as exc:
        raise BadInput(f"{name}: not JSON that can be read: {exc}") from exc


class _Sources(_Record):
    context: tuple[SourceIn, ...]


def json_lines(lines: Iterable[bytes], model: type[R]) -> Iterator[tuple[int, R | BadLine]]:
    """Each line that is not blank with its number, parsed, or why it cannot be."""
    for number, line in enumerate(lines, start=1):
        if not blank(line):
            yield number, _parsed(number, line, model)


def file_lines(file: Path, model: type[R]) -> Iterator[tuple[int, R | BadLine]]:
    """The `json_lines` of a file, or the rows of one whose name ends in `.csv`. Raises `BadInput` for one that cannot
    be read."""
    if file.suffix.lower() == ".parquet":
        raise BadInput(f"{file} is Parquet, which is not read here: give JSON lines, or CSV")
    try:
        with file.open("rb") as lines:
            if file.suffix.lower() == ".csv":
                for number, given in csv_lines(lines):
                    yield number, BadLine(number, given) if isinstance(given, str) else _validated(number, given, model)
            else:
                yield from json_lines(lines, model)
    except OSError as exc:
        raise BadInput(f"{file} cannot be read: {exc.strerror}") from exc


def blank(line: bytes) -> bool:
    """Also where it holds nothing but spaces that are none in ASCII, or the mark that some editors put first."""
    return not line.strip() or not line.decode("utf-8-sig", "replace").strip()


def looks_like_json(line: bytes) -> bool:
    """Whether a first line is a JSON object, so that the file is read as JSON lines."""
    return line.lstrip(b"\xef\xbb\xbf \t").startswith(b"{")


def _parsed(number: int, line: bytes, model: type[R]) -> R | BadLine:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        # By way of json, because its strings may hold lone surrogates, which must not end a run.
        value = json.loads(text)
    except UnicodeDecodeError as exc:
        return BadLine(number, f"not UTF-8: byte 0x{line[exc.start]:02x} at {exc.start + 1}")
    except json.JSONDecodeError as exc:
        return BadLine(number, f"not JSON at character {exc.pos + 1}: {exc.msg}")
    except (RecursionError, ValueError) as exc:
        return BadLine(number, f"not JSON that can be read: {exc}")
    return _validated(number, value, model)


def _validated(number: int, value: object, model: type[R]) -> R | BadLine:
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        given = value.get("id") if isinstance(value, dict) else None
        return BadLine(number, first_fault(exc), given if isinstance(given, str | int) else None)


def first_fault(exc: ValidationError) -> str:
    """The first thing that is wrong, where, and how many more there are."""
    errors = exc.errors()
    error = errors[0]
    place = ".".join(map(str, error["loc"]))
    said = error["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")  # JSON has no tuples
    what = said + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
    return f"{place}: {what}" if place else what
