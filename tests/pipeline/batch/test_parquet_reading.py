"""Parquet as it comes, whole and damaged."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from critics import Source
from pipeline import BadInput
from pipeline.batch import Input, Prompt
from tests.pipeline.batch.running import lines
from tests.pipeline.batch.test_batch_reading import asked, records


def parquet(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(tmp_path: Path) -> None:
    """Columns are as the keys of JSON lines, and a row with nothing in it is a fault of its own."""
    turns = [[{"role": "user", "content": "m"}], None]
    path = parquet(tmp_path / "in.parquet", id=["a", None], messages=turns, other=[1, 2])
    given = records(path)
    assert [(r.line, r.id) for r in given] == [(1, "a"), (2, 2)]
    assert asked(path)[0] == "m"
    assert isinstance(given[1].asked, str)
    assert asked(parquet(tmp_path / "q.parquet", q=["x", "y"]), column="q") == ["x", "y"]
    assert Input(str(path)).total() == 2


@pytest.mark.parametrize("column", ["id", "context", "manifesto"])
def test_what_has_the_prompt_is_nothing_else(tmp_path: Path, column: str) -> None:
    """Though by its name it would be sources, as in many a set of questions, or who judges; in every format."""
    (tmp_path / "in.jsonl").write_bytes(lines({column: "x"}))
    (tmp_path / "in.csv").write_text(f"{column}\nx\n")
    for path in (tmp_path / "in.jsonl", tmp_path / "in.csv", parquet(tmp_path / "in.parquet", **{column: ["x"]})):
        (given,) = records(path, column=column)
        assert isinstance(given.asked, Prompt), given.asked
        assert (given.id, given.asked.conversation[-1].content, given.asked.manifesto) == (given.line, "x", None)


def test_what_a_source_does_not_have_is_not_there_in_parquet_either(tmp_path: Path) -> None:
    rows = [{"prompt": "x", "context": [{"text": "a", "origin": "b"}]}, {"prompt": "y", "context": [{"text": "c"}]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    found = [r.asked.sources for r in records(tmp_path / "in.parquet") if isinstance(r.asked, Prompt)]
    assert found == [(Source("a", "b"),), (Source("c"),)]


def unchecked(*values: bytes) -> pa.Array:
    """Text as other writers leave it: Parquet does not see to it that it is UTF-8."""
    data = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(data), data.buffers())


def test_a_row_of_parquet_that_is_no_utf_8_is_one_fault(tmp_path: Path) -> None:
    """Wherever in it that is, and the rows around it are read; its mark is its own, and the same each time."""
    path = tmp_path / "in.parquet"
    ids = [f"p{number}" for number in range(100)]
    said = [b"good"] * 97 + [b"\xff", b"\xfe", b"\xff\xff"]
    pq.write_table(pa.table({"id": ids, "prompt": unchecked(*said)}), path)
    assert asked(path) == ["good"] * 97 + ["[not UTF-8]"] * 3
    marks = [record.mark for record in records(path)]
    assert marks == [record.mark for record in records(path)]
    assert len(set(marks)) == 100
    content = pa.StructArray.from_arrays([pa.array(["user"] * 2), unchecked(b"x", b"\xff")], ["role", "content"])
    pq.write_table(pa.table({"messages": pa.ListArray.from_arrays([0, 1, 2], content)}), path)
    assert asked(path) == ["x", "[not UTF-8]"]


def test_a_dictionary_that_is_no_utf_8_costs_only_the_rows_that_use_it(tmp_path: Path) -> None:
    """Categories are written so; those that are whole are read."""
    said = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0]), unchecked(b"good", b"\xff", b"fine"))
    pq.write_table(pa.table({"prompt": said}), tmp_path / "in.parquet")
    assert asked(tmp_path / "in.parquet") == ["good", "[not UTF-8]", "fine", "good"]


def grouped(path: Path, *, behind: bool) -> tuple[bytes, int]:
    """The file of 30 rows in three groups, and where the prompts of the second one begin in it, or near their end."""
    rows = {"id": [f"p{i}" for i in range(30)], "prompt": [f"a prompt {i * 7919 % 10007}" for i in range(30)]}
    pq.write_table(pa.table(rows), path, row_group_size=10, use_dictionary=False, write_page_checksum=True)
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    return path.read_bytes(), column.data_page_offset + (column.total_compressed_size - 40 if behind else 0)


@pytest.mark.parametrize(("behind", "said"), [(False, "page header"), (True, "CRC|[Cc]orrupt")])
def test_a_damaged_row_group_is_one_fault(tmp_path: Path, behind: bool, said: str) -> None:
    """It names file, rows and group, and the others are read under their own numbers."""
    path = tmp_path / "in.parquet"
    whole, place = grouped(path, behind=behind)
    path.write_bytes(whole[:place] + b"\xff" * 20 + whole[place + 20 :])
    found = records(path)
    assert [record.line for record in found] == [*range(1, 12), *range(21, 31)]
    assert [record.line for record in found if isinstance(record.asked, str)] == [11]
    assert re.fullmatch(
        f"rows 11 to 20, the end of row group 2, cannot be read: .*({said}).*; write the file anew",
        str(found[10].asked),
    )
    assert records(path) == found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it does not end as one: it is something else, or was cut off"),
        (b"PAR1 no", "it does not end as one"),
        (b"PAR1" + b"x" * 40 + b"\xff\xff\0\0PAR1", "it does not end as one"),
        (b"PAR1" + b"x" * 40 + b"\x20\0\0\0PAR1", "thrift"),
    ],
    ids=["empty", "text", "cut", "footer"],
)
def test_a_file_without_a_whole_end_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    """By its name, and with what helps: what is in it cannot be found without it."""
    (tmp_path / "in.parquet").write_bytes(data)
    with pytest.raises(
        BadInput, match=rf"in\.parquet is not a Parquet file that can be read: .*{said}.*; copy it or write"
    ):
        records(tmp_path / "in.parquet")


def test_a_file_that_was_packed_once_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.parquet.gz").write_bytes(b"")
    with pytest.raises(BadInput, match=r"in\.parquet\.gz: Parquet is packed by itself: unpack it first"):
        records(tmp_path / "in.parquet.gz")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"question": ["a"]}, "no column 'prompt'; name one of these with --column: question"),
        ({"prompt": [1]}, "the column 'prompt' holds int64, and what is wanted is text: name another with --column"),
        ({"prompt": [["a"]]}, "the column 'prompt' holds list<element: string>, and what is wanted is text"),
        ({"prompt": [{"a": "b"}]}, "the column 'prompt' holds struct<a: string>"),
        ({"messages": ["[]"]}, "'messages' holds string, .* a list of `role` and `content`: cast it"),
        ({"prompt": ["a"], "context": ["text"]}, "'context' holds string, .* a list of `text`, .*: cast it, or rename"),
        ({"prompt": ["a"], "id": [datetime(2020, 1, 1, tzinfo=UTC)]}, "'id' holds timestamp.*, .* text or a number"),
    ],
)  # fmt: skip
def test_a_column_of_another_type_is_refused_at_once(tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    """Each of its rows would be a fault."""
    with pytest.raises(BadInput, match=said):
        records(parquet(tmp_path / "in.parquet", **columns))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Nobody knows which is meant."""
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["prompt", "prompt"])
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(BadInput, match="has 2 columns 'prompt': rename all but the one that is meant"):
        records(tmp_path / "in.parquet")


def test_a_value_that_python_does_not_know_is_one_fault(tmp_path: Path) -> None:
    """A time behind all calendars, in what stands beside the text of a source."""
    sources = pa.array([[{"text": "t", "seen": 0}], [{"text": "t", "seen": 2**62}]])
    kind = pa.list_(pa.struct([("text", pa.string()), ("seen", pa.timestamp("us"))]))
    pq.write_table(pa.table({"prompt": ["a", "b"], "context": sources.cast(kind)}), tmp_path / "in.parquet")
    assert asked(tmp_path / "in.parquet") == ["a", "[date value out of range]"]


def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    path = parquet(tmp_path / "in.parquet", prompt=pa.array([], pa.string()))
    assert (records(path), Input(str(path)).total()) == ([], 0)
