"""Labelled exchanges, as they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from critics import Manifesto, Rule
from pipeline.errors import BadInput
from pipeline.training.rows import Row, read_rows

KIND = Rule(id="kind", statement="It is kind.")
SHORT = Rule(id="short", statement="It is short.")
LAWFUL = Rule(id="lawful", statement="It asks for nothing unlawful.", applies_to="input")
OURS = Manifesto(name="ours", version="1", rules=(KIND, SHORT, LAWFUL))


def read(tmp_path: Path, *lines: dict[str, Any] | str) -> list[Row]:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return read_rows([file], OURS)


def test_labels_name_rules_or_state_them(tmp_path: Path) -> None:
    """A statement that the manifesto does not have is a rule of the side that is judged."""
    (row,) = read(tmp_path, {"text": "Hi.", "response": "Go away.", "labels": {"kind": 1, "No word on cats.": 0}})
    assert {rule.statement: broken for rule, broken in row.labels.items()} == {
        "It is kind.": True,
        "No word on cats.": False,
    }
    assert {rule.applies_to for rule in row.labels} == {"output"}
    assert (row.exchange.draft, row.exchange.conversation[0].content) == ("Go away.", "Hi.")


def test_without_a_response_the_turn_is_judged(tmp_path: Path) -> None:
    """`label` alone is about the only rule of that side; empty lines are nothing."""
    row, stated = read(
        tmp_path, {"text": "Rob a bank?", "label": 1}, "", {"text": "Hi.", "labels": {"Be nice now.": 1}}
    )
    assert dict(row.labels) == {LAWFUL: True}
    assert row.exchange.draft is None
    assert next(iter(stated.labels)).applies_to == "input"


def test_sources_belong_to_the_exchange(tmp_path: Path) -> None:
    """The judge sees them, so what is learnt from must hold them."""
    line = {"text": "When?", "response": "Noon.", "context": [{"text": "At noon.", "origin": "board"}], "label": 0}
    (row,) = read(tmp_path, {**line, "rule": "kind"})
    assert [(source.text, source.origin) for source in row.exchange.sources] == [("At noon.", "board")]


def test_a_line_ends_where_a_file_says_so(tmp_path: Path) -> None:
    """Not at every character that Unicode calls a line's end; a mark of byte order is no text."""
    file = tmp_path / "rows.jsonl"
    line = json.dumps({"text": "One\u2028two", "label": 1}, ensure_ascii=False)
    file.write_text(f"\ufeff{line}\n{line}\n", "utf-8")
    assert [row.exchange.conversation[0].content for row in read_rows([file], OURS)] == ["One\u2028two"] * 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ({"response": "x", "label": 1}, "text: "),
        ({"text": "", "label": 1}, "text: "),
        ({"text": "a", "response": "b"}, "no label"),
        ({"text": "a", "response": "b", "label": 1}, "kind, short"),
        ({"text": "a", "response": "b", "labels": {"knid": 1}}, "'knid'"),
        ({"text": "a", "labels": {"kind": 1}}, "'kind'"),
        ({"text": "a", "labels": {"lawful": "perhaps"}}, "labels.lawful"),
        ({"text": "a", "response": "b", "labels": {"kind": 1, "It is kind.": 0}}, "disagree about 'It is kind.'"),
        ({"text": "a", "response": "b", "label": 0, "rule": "kind", "labels": {"kind": 1}}, "disagree about 'kind'"),
        ({"text": "a", "label": 1, "labels": {"lawful": 0}}, "disagree about 'lawful'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: dict[str, Any] | str, said: str) -> None:
    """With its file and number, and what is wrong with it."""
    with pytest.raises(BadInput, match=r"rows\.jsonl:2: ") as caught:
        read(tmp_path, {"text": "fine", "label": 0}, line)
    assert said in str(caught.value)


def test_one_label_may_be_given_twice(tmp_path: Path) -> None:
    """Where both say the same."""
    labels = {"kind": 1, "It is kind.": 1}
    (row,) = read(tmp_path, {"text": "a", "response": "b", "label": 1, "rule": "kind", "labels": labels})
    assert dict(row.labels) == {KIND: True}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl cannot be read"):
        read_rows([tmp_path / "none.jsonl"], OURS)
