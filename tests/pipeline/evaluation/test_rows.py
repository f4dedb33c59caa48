from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import BadInput
from pipeline.evaluation import read_rows

Write = Callable[..., Path]


def test_rows_are_read_with_their_truth(jsonl: Write) -> None:
    """`rule` is what `label` is about, `labels` tell of several, other keys are left alone."""
    first = {"id": "a", "text": "hi", "response": "no", "label": 1, "rule": "x", "labels": {"y": 0}, "note": 3}
    second = {"text": "hi", "label": 0, "response": "", "context": [{"text": "s", "kind": "forum"}], "category": None}
    one, two = read_rows([jsonl([first, second])])
    assert (one.set, one.id, one.side, one.truth) == ("data", "a", "output", {"y": 0, "x": 1})
    assert (two.id, two.side, two.truth, two.context[0].kind) == (2, "input", {}, "forum")


@pytest.mark.parametrize(("labels", "label"), [({"x": 0, "y": 1}, 1), ({"x": 0}, 0)])
def test_the_label_follows_from_the_labels(jsonl: Write, labels: dict[str, int], label: int) -> None:
    """Whoever tells the truth by rule has told it."""
    (row,) = read_rows([jsonl([{"text": "hi", "labels": labels}])])
    assert (row.label, row.truth) == (label, labels)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "a"}, "label: Field required"),
        ({"text": "a", "labels": {}}, "label: Field required"),
        ({"text": "a", "labels": {"x": None}}, "label: Field required"),
        ({"text": "a", "labels": {"x": "ok"}}, "'ok' is no label: give 1, true, yes or unsafe for broken"),
        ({"text": "a", "label": 2}, "label: Input should be 0 or 1"),
        ({"text": "a", "label": "perhaps"}, "label: 'perhaps' is no label"),
        ({"text": "a", "label": None}, "label: Field required"),
        ({"response": "a", "label": 1}, "text: Field required"),
        ({"label": 1}, "it has `label`; `text` is what was asked, and `response` what was answered"),
        ({"text": "", "label": 1}, "nothing to judge"),
        ({"text": "a", "label": 1, "rule": "x", "labels": {"x": 0}}, "disagree about the rule `x`"),
        ({"text": "a", "label": 0, "labels": {"x": 1}}, "`label` is 0, but by `labels` a rule is broken"),
        ({"id": 1, "text": "a", "label": 1}, "a second row with the id 1"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(jsonl: Write, row: dict[str, object], said: str) -> None:
    """And why it cannot be used."""
    path = jsonl([{"id": 1, "text": "fine", "label": 0}, row])
    with pytest.raises(BadInput) as caught:
        read_rows([path])
    assert str(caught.value).startswith(f"{path}:2: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "kept"), [(True, False), ("1", "0"), ("yes", "No"), ("TRUE", "false"), ("unsafe", " safe ")]
)
def test_labels_are_read_in_the_words_that_people_have(jsonl: Write, broken: object, kept: object) -> None:
    """By themselves and by rule."""
    rows = [{"text": "a", "label": broken}, {"text": "b", "label": kept}, {"text": "c", "labels": {"x": kept}}]
    assert [row.label for row in read_rows([jsonl(rows)])] == [1, 0, 0]
    assert read_rows([jsonl([{"text": "a", "labels": {"x": broken, "y": kept}}])])[0].truth == {"x": 1, "y": 0}


def test_a_table_is_read_by_its_columns(tmp_path: Path) -> None:
    """Cells may hold line breaks and be empty; a row is named by its first line."""
    path = tmp_path / "data.csv"
    path.write_bytes(
        b'\xef\xbb\xbfid,text,response,label,rule,note\r\n7,"one\r\ntwo",no,yes,x,mine\r\n\r\n,,well,safe,,\r\n'
    )
    one, two = read_rows([path])
    assert (one.id, one.text, one.response, one.label, one.truth) == ("7", "one\r\ntwo", "no", 1, {"x": 1})
    assert (two.id, two.text, two.response, two.label, two.truth) == (5, "", "well", 0, {})


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_whatever_separates_its_fields(tmp_path: Path, mark: str) -> None:
    """As a batch's is; blank lines may stand before the header."""
    path = tmp_path / "data.csv"
    path.write_text("\n\n" + "text|label|note\na|1|b, c; d\n".replace("|", mark).replace("b, c; d", '"b, c; d"'))
    (row,) = read_rows([path])
    assert (row.id, row.text, row.label) == (4, "a", 1)


def test_bad_rows_of_a_table_are_named_by_their_lines(tmp_path: Path) -> None:
    """Each alone; and Parquet is told to be none."""
    path = tmp_path / "data.csv"
    path.write_bytes(b'text,label\na,1\nb,perhaps\nc\n\xff,0\nd,0\n"e,1\n')
    with pytest.raises(BadInput) as caught:
        read_rows([path])
    told = [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]
    assert [line[:2] for line in told] == ["3:", "4:", "5:", "7:"]
    assert all(why in line for why, line in zip(("no label", "1 cells", "UTF-8", "not CSV"), told, strict=True))
    with pytest.raises(BadInput, match="give JSON lines, or CSV"):
        read_rows([tmp_path / "data.parquet"])


def test_every_fault_of_every_file_comes_at_once(jsonl: Write, tmp_path: Path) -> None:
    """Up to a number that can be read; the rest are counted."""
    many = jsonl([{"text": "a"}] * 30)
    other = tmp_path / "other.jsonl"
    other.write_bytes(b'{"text": "a", "label": 1}\n\n\xff\nnot json\n')
    with pytest.raises(BadInput) as caught:
        read_rows([other, many])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{other}:3: not UTF-8")
    assert lines[1].startswith(f"{other}:4: not JSON")
    assert (len(lines), lines[-1]) == (21, "and 12 more")


def test_an_empty_file_and_a_missing_one_are_told(tmp_path: Path) -> None:
    """By name."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(BadInput, match=r"empty\.jsonl: there is no row in it"):
        read_rows([empty])
    with pytest.raises(BadInput, match=r"none\.jsonl cannot be read"):
        read_rows([tmp_path / "none.jsonl"])


def test_a_limit_takes_rows_from_the_whole_of_each_file(jsonl: Write) -> None:
    """One from each equal stretch of it, the same ones each time: a file sorted by label still gives both."""
    rows = [{"text": "a", "label": int(i >= 50)} for i in range(100)]
    files = [jsonl(rows, "a.jsonl"), jsonl(rows[:2], "b.jsonl")]
    taken = read_rows(files, limit=4)
    assert [(row.set, (int(row.id) - 1) // 25) for row in taken[:4]] == [("a", 0), ("a", 1), ("a", 2), ("a", 3)]
    assert [(row.set, row.id) for row in taken[4:]] == [("b", 1), ("b", 2)]
    assert read_rows(files, limit=4) == taken


def test_a_limit_gives_both_labels_where_they_take_turns(jsonl: Write) -> None:
    """Every second row would have one of them."""
    taken = read_rows([jsonl([{"text": "a", "label": i % 2} for i in range(200)])], limit=100)
    assert 30 < sum(row.label for row in taken) < 70


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their paths."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.jsonl").write_text(json.dumps({"text": "a", "label": 1}))
    files = [tmp_path / folder / "data.jsonl" for folder in ("one", "two")]
    assert [row.set for row in read_rows(files)] == [str(file) for file in files]


def test_of_a_rule_that_is_named_without_a_label_nothing_is_told(jsonl: Write) -> None:
    """What the whole comes to is not about that one."""
    labels = {"x": None, "y": 1}
    (row,) = read_rows([jsonl([{"text": "hi", "label": None, "rule": "x", "labels": labels}])])
    assert (row.label, row.truth) == (1, {"y": 1})
