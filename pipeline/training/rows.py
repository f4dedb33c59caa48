"""Labelled exchanges, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from critics import Exchange, Manifesto, Message, Rule
from pipeline.errors import BadInput


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: Annotated[str, Field(min_length=1)]
    response: str = ""
    labels: dict[str, bool] = {}
    label: bool | None = None
    rule: str = ""
    source: str = ""


@dataclass(frozen=True)
class Row:
    """An exchange and which rules it breaks. All rules are of one side: output where there is a response."""

    exchange: Exchange
    labels: Mapping[Rule, bool]
    source: str

    @property
    def text(self) -> str:
        return "\n".join([*(message.content for message in self.exchange.conversation), self.exchange.draft or ""])


def read_rows(files: Sequence[Path], manifesto: Manifesto) -> list[Row]:
    """The rows of all files. Raises `BadInput`, naming file and line.

    A line has `text` (the user's turn), `response` (the reply, or none to judge the turn itself), and `labels`: for a
    rule's id or for a statement whether it is broken, 1 or 0. `label` and `rule` do for one; `label` alone is about the
    manifesto's only rule for that side.
    """
    return [row for file in files for row in _read(file, manifesto)]


def _read(file: Path, manifesto: Manifesto) -> Iterator[Row]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"{file} cannot be read: {exc}") from exc
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _row(_Line.model_validate(json.loads(line)), manifesto, file.stem)
            except ValidationError as exc:
                error = exc.errors()[0]
                raise BadInput(f"{file}:{number}: `{'.'.join(map(str, error['loc']))}`: {error['msg']}") from exc
            except (ValueError, BadInput) as exc:
                raise BadInput(f"{file}:{number}: {exc}") from exc


def _row(line: _Line, manifesto: Manifesto, name: str) -> Row:
    exchange = Exchange((Message("user", line.text),), line.response or None)
    rules = manifesto.rules_for("output" if line.response else "input")
    known = {rule.id: rule for rule in rules}
    labels = dict(line.labels)
    if line.label is not None:
        labels[line.rule or _only(rules)] = line.label
    if not labels:
        raise BadInput("no label: give `labels`, or `label` and `rule`")
    return Row(exchange, {_rule(said, known, exchange): broken for said, broken in labels.items()}, line.source or name)


def _only(rules: Sequence[Rule]) -> str:
    if len(rules) != 1:
        names = ", ".join(rule.id for rule in rules) or "none"
        raise BadInput(f"`label` without `rule` needs a manifesto with one rule for this side, and it has: {names}")
    return rules[0].id


def _rule(said: str, known: Mapping[str, Rule], exchange: Exchange) -> Rule:
    if said in known:
        return known[said]
    if " " not in said.strip():
        raise BadInput(f"no rule for this side is called {said!r}; a statement has more than one word")
    return Rule(id="stated", statement=said, applies_to="input" if exchange.draft is None else "output")
