"""Labelled exchanges, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from critics import Exchange, Manifesto, Message, Rule
from pipeline.errors import BadInput
from pipeline.files.inputs import BadLine, TrainingIn, file_lines, sources


@dataclass(frozen=True)
class Row:
    """An exchange and which rules it breaks. All rules are of one side: output where there is a response. `place` is
    where it was read, to name it by."""

    exchange: Exchange
    labels: Mapping[Rule, bool]
    source: str
    place: str = "a row"

    @property
    def prompt(self) -> str:
        """The user's last turn."""
        return self.exchange.conversation[-1].content

    @property
    def text(self) -> str:
        return "\n".join([*(message.content for message in self.exchange.conversation), self.exchange.draft or ""])


def read_rows(files: Sequence[Path], manifesto: Manifesto) -> list[Row]:
    """The rows of all files. Raises `BadInput`, naming file and line.

    A line has `text` (the user's turn), `response` (the reply, or none to judge the turn itself), perhaps `context`
    (sources), and `labels`: for a rule's id or for a statement whether it is broken, 1 or 0. `label` and `rule` do for
    one; `label` alone is about the manifesto's only rule for that side.
    """
    return [row for file in files for row in _read(file, manifesto)]


def _read(file: Path, manifesto: Manifesto) -> Iterator[Row]:
    for number, line in file_lines(file, TrainingIn):
        place = f"{file}:{number}"
        if isinstance(line, BadLine):
            raise BadInput(f"{place}: {line.why}")
        try:
            yield replace(_row(line, manifesto, file.stem), place=place)
        except BadInput as exc:
            raise BadInput(f"{place}: {exc}") from exc


def _row(line: TrainingIn, manifesto: Manifesto, name: str) -> Row:
    exchange = Exchange((Message("user", line.text),), line.response or None, sources(line.context))
    rules = manifesto.rules_for("output" if line.response else "input")
    known = {key: rule for rule in rules for key in (rule.id, rule.statement)}
    labels = list(line.labels.items())
    if line.label is not None:
        labels.append((line.rule or _only(rules), line.label))
    if not labels:
        raise BadInput("no label: give `labels`, or `label` and `rule`")
    stated: dict[Rule, bool] = {}
    for said, broken in labels:
        if stated.setdefault(_rule(said, known, exchange), bool(broken)) != bool(broken):
            raise BadInput(f"the labels disagree about {said!r}: give one of 0 and 1 for a rule")
    return Row(exchange, stated, line.source or name)


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
