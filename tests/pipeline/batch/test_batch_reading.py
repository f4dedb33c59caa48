from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from critics import Message, Source
from pipeline import BadInput, DraftOptions
from pipeline.batch import Given, Input, InputFormat, Prompt
from pipeline.batch.reading import Ids
from pipeline.batch.reading.lines import MOST, numbered


def records(path: Path, form: InputFormat | None = None, column: str = "prompt") -> list[Given]:
    return list(Input(str(path), form=form, column=column).records())


def asked(path: Path, form: InputFormat | None = None, column: str = "prompt") -> list[str]:
    """What the user says last in each record, or the fault in brackets."""
    given = records(path, form, column)
    return [r.asked.conversation[-1].content if isinstance(r.asked, Prompt) else f"[{r.asked}]" for r in given]


def test_json_lines_say_all_there_is_to_say(tmp_path: Path) -> None:
    """`prompt` or `messages`, `id`, `context`, `manifesto`; other keys are the user's own."""
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    source = {"text": "t", "origin": "o", "published": "2020", "kind": "news"}
    rows = [{"id": "a", "prompt": "p", "note": 1}, {"messages": turns, "context": [source], "manifesto": "house-style"}]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    one, two = records(path)
    assert (one.line, one.id, one.asked) == (1, "a", Prompt((Message("user", "p"),)))
    conversation = (Message("system", "s"), Message("user", "u"))
    assert two.id == 2
    assert two.asked == Prompt(conversation, (Source("t", "o", "2020", "news"),), manifesto="house-style")


def test_another_column_of_json(tmp_path: Path) -> None:
    """`--column` names it; where it is missing, that is the record's fault."""
    path = tmp_path / "in.jsonl"
    path.write_text('{"question": "q", "prompt": "not this"}\n{"prompt": "nor this"}\n')
    assert asked(path, column="question") == [
        "q",
        "[neither `question` nor `messages`: it has `prompt`]",
    ]


def test_plain_lines_are_prompts(tmp_path: Path) -> None:
    """Blank lines are left out, a line's number is its id, and a mark at the file's start is no part of it."""
    path = tmp_path / "in.txt"
    path.write_bytes("\ufefffirst\r\n\n   \nzweite Zeile – ü".encode() + b"\n\xff\n")
    assert asked(path) == ["first", "zweite Zeile – ü", "[not UTF-8: byte 0xff at 1]"]
    assert [(r.line, r.id) for r in records(path)] == [(1, 1), (4, 4), (5, 5)]


def test_blank_lines_before_json_are_skipped(tmp_path: Path) -> None:
    """And not taken for a sign that every line is a prompt."""
    path = tmp_path / "in.txt"
    path.write_text('\n{"id": "a", "prompt": "hello"}\n')
    assert asked(path) == ["hello"]


@pytest.mark.parametrize("blank", ["\u00a0", "\u3000 ", "\ufeff"])
def test_a_line_that_looks_blank_is_blank(tmp_path: Path, blank: str) -> None:
    """No prompt can be empty, and the run must not end there, nor end there again each time it is gone on with."""
    path = tmp_path / "in.txt"
    path.write_text(f"\ufeff\r\none\n{blank}\ntwo\n", "utf-8")
    assert asked(path) == ["one", "two"]
    assert [r.line for r in records(path)] == [2, 4]
    assert Input(str(path)).total() == 2


@pytest.mark.parametrize("first", ['"prompt": "cut off"}', "# a comment", "null"])
@pytest.mark.parametrize("name", ["in.jsonl", "in.ndjson", "in.jsonl.gz"])
def test_json_lines_are_known_by_their_name_whatever_the_first_one_is(tmp_path: Path, name: str, first: str) -> None:
    data = f'{first}\n{{"prompt": "a"}}\n'.encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    damaged, whole = asked(path)
    assert damaged.startswith("[")
    assert whole == "a"
    assert Input(str(path)).form() == "jsonl"


def test_a_list_is_no_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text('[{"prompt": "a"},\n{"prompt": "b"}]\n')
    with pytest.raises(BadInput, match=r"in.json is one list: give an object a line, as `jq -c '\.\[\]'"):
        asked(path)


def test_openai_requests_are_known_by_their_first_line(tmp_path: Path) -> None:
    """What they ask of the drafts is asked; parts of text are one text; a developer is the system."""
    body = {
        "model": "gpt",
        "messages": [
            {"role": "developer", "content": "d"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ],
        "max_completion_tokens": 9,
        "temperature": 0.5,
        "stop": "END",
        "seed": 4,
        "context": None,
    }
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"custom_id": "x", "method": "POST", "url": "/v1/chat/completions", "body": body}))
    (record,) = records(path)
    assert Input(str(path)).form() == "openai"
    conversation = (Message("system", "d"), Message("user", "a\nb"))
    assert record.id == "x"
    assert record.asked == Prompt(conversation, options=DraftOptions(9, ("END",), 0.5), seed=4)


def test_an_openai_request_is_read_as_on_the_server(tmp_path: Path) -> None:
    """The smaller one of both bounds counts, and a `top_p` of 0 is the least that there is."""
    body = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 7, "max_completion_tokens": 9, "top_p": 0}
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"custom_id": "x", "body": body}))
    (record,) = records(path)
    assert isinstance(record.asked, Prompt)
    assert record.asked.options == DraftOptions(7, top_p=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "/v1/embeddings"}, "url: Input should be '/v1/chat/completions'"),
        ({"body": {"messages": []}}, "body.messages"),
        ({"body": {"messages": [{"role": "user", "content": "a"}], "n": 2}}, "body.n"),
        ({"body": {"messages": [{"role": "user", "content": "a"}], "tools": [{}]}}, "`tools` is not supported"),
        (
            {"body": {"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_object"}}},
            "`response_format` is not supported",
        ),
        (
            {"body": {"messages": [{"role": "user", "content": "a"}], "modalities": ["audio"]}},
            "`modalities` is not supported",
        ),
        (
            {"body": {"messages": [{"role": "user", "content": "a"}], "stop": ["END", ""]}},
            "body: `stop` must not be empty, nor hold an empty string: leave it out",
        ),
        ({"body": {"messages": [{"role": "tool", "content": "a"}]}}, "body.messages.0.role"),
        ({"body": {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}}, "body.messages.0.content"),
    ],
)
def test_what_an_openai_request_cannot_have(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """Is its fault, under its own id: it would be answered otherwise than it was asked."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"custom_id": "x", "body": {"messages": []}, **change}))
    (record,) = records(path)
    assert record.id == "x"
    assert isinstance(record.asked, str)
    assert said in record.asked


def test_csv_has_a_column_of_prompts(tmp_path: Path) -> None:
    """Quoted fields may hold commas and line ends; a row's number is that of its first line."""
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "question"], ["a", "one, two"], ["b", "two\nlines"], ["", "three"]])
    given = records(path, column="question")
    assert [(r.line, r.id) for r in given] == [(2, "a"), (3, "b"), (5, 5)]
    assert asked(path, column="question") == ["one, two", "two\nlines", "three"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["in.csv", "in.tsv"])
def test_csv_is_separated_as_its_header_is(tmp_path: Path, separator: str, name: str) -> None:
    """Where commas are decimal, other programs write semicolons; they write a mark at the file's start, too."""
    path = tmp_path / name
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator).writerows([["prompt", "id"], ["one, two; three\tfour\nfive", "a"]])
    (record,) = records(path)
    assert (record.id, asked(path)) == ("a", ["one, two; three\tfour\nfive"])


def test_a_header_may_have_lines_within_quotes(tmp_path: Path) -> None:
    """And blank ones before it; rows are counted behind them."""
    path = tmp_path / "in.csv"
    path.write_text('\n\nid,"note\nof mine",prompt\na,,one\n')
    assert [(r.line, r.id) for r in records(path)] == [(5, "a")]
    assert asked(path) == ["one"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("id;Frage;prompt ", "no column 'prompt'; name one of these with --column: id, Frage, 'prompt '"),
        ("prompt,id,prompt", "has 2 columns 'prompt': rename all but the one that is meant"),
        ("prompt,id,id", "has 2 columns 'id'"),
    ],
)
def test_a_header_in_which_the_column_cannot_be_found(tmp_path: Path, header: str, said: str) -> None:
    """Is refused at once, with the columns that there are."""
    path = tmp_path / "in.csv"
    path.write_text(f"{header}\na,b,c\n")
    with pytest.raises(BadInput, match=said):
        records(path)


def test_a_header_that_is_no_utf_8_is_told_as_such(tmp_path: Path) -> None:
    """As some programs save what they call Unicode."""
    path = tmp_path / "in.csv"
    path.write_text("id,prompt\n", "utf-16")
    with pytest.raises(BadInput, match=r"in\.csv: its header is not UTF-8: save it as that"):
        records(path)


@pytest.mark.parametrize("text", ["", "id,prompt\n"])
def test_csv_without_rows_has_no_records(tmp_path: Path, text: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text)
    assert records(path) == []


def test_a_bad_row_of_csv_is_one_fault(tmp_path: Path) -> None:
    """Too few fields, bytes that are no UTF-8, nothing in the column."""
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,prompt\na\nb,\xff\nc,\nd,good\n")
    given = records(path)
    assert [isinstance(r.asked, str) for r in given] == [True, True, True, False]
    assert [r.id for r in given[2:]] == ["c", "d"]


@pytest.mark.parametrize(
    "long", [b"x" * (MOST + 1), b"a," * MOST, b'"' + b"x\t" * MOST], ids=["field", "fields", "quote"]
)
def test_a_line_of_csv_that_would_fill_the_memory_is_one_fault(tmp_path: Path, long: bytes) -> None:
    """It is passed over, whatever is in it, and the rows around it are read by their own lines."""
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,prompt\na,one\n" + long + b"\nb,two\n")
    given = records(path)
    assert [(r.line, isinstance(r.asked, str)) for r in given] == [(2, False), (3, True), (4, False)]
    assert "16,777,216 characters" in str(given[1].asked)


def test_a_quote_that_is_never_closed_is_a_fault(tmp_path: Path) -> None:
    """All rows behind it are in it, and must not be taken for one prompt. Within quotes there may be many lines."""
    path = tmp_path / "in.csv"
    path.write_text('id,prompt\n1,"a\nb"\n2,"a"c\n3,5" nails\n4,"d\n5,e\n6,f\n')
    assert asked(path) == [
        "a\nb",
        "[not CSV: ',' expected after '\"']",
        '5" nails',
        "[not CSV: unexpected end of data]",
    ]
    assert [r.line for r in records(path)] == [2, 4, 5, 6]


def test_a_column_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    """With those that are."""
    path = tmp_path / "in.csv"
    path.write_text("id,question\n1,hi\n")
    with pytest.raises(BadInput, match="with --column: id, question"):
        records(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_files(tmp_path: Path, suffix: str) -> None:
    """Are read as what is in them, by both suffixes; one that was cut off is told, and not read as a shorter one."""
    packs: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}
    pack = packs[suffix]
    path = tmp_path / f"in.csv{suffix}"
    path.write_bytes(pack(b"prompt\none\n") + pack(b"two\n"))
    assert asked(path) == ["one", "two"]
    lines = tmp_path / f"in.jsonl{suffix}"
    data = pack(b"".join(b'{"prompt": "%d"}\n' % (i * i * 7919 % 104729) for i in range(5000)))
    lines.write_bytes(data)
    assert Input(str(lines)).total() == 5000
    lines.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="damaged, or ends too early"):
        asked(lines)


def test_a_header_that_is_no_csv(tmp_path: Path) -> None:
    """Is told as such: without it no row can be read."""
    path = tmp_path / "in.csv"
    path.write_bytes(b'"prompt' + b"x" * (17 << 20))
    with pytest.raises(BadInput, match="header is not CSV"):
        records(path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(BadInput, match="No such file"):
        records(tmp_path / "none.jsonl")
    (tmp_path / "in.gz").write_bytes(b"not packed")
    with pytest.raises(BadInput, match="damaged"):
        records(tmp_path / "in.gz")


@given(st.lists(st.binary(max_size=40)), st.integers(5, 20))
def test_a_line_that_is_too_long_is_one_line(parts: list[bytes], most: int) -> None:
    """Those behind it keep their numbers and their text, however long it is."""
    lines = [part.replace(b"\n", b" ") for part in parts]
    found = list(numbered(io.BytesIO(b"\n".join(lines)), most))
    assert [line.number for line in found] == [
        n for n, text in enumerate(lines, start=1) if text[:most].decode("utf-8-sig", "replace").strip()
    ]
    for line in found:
        text = lines[line.number - 1]
        assert line.data.rstrip(b"\n") == text[:most]
        assert line.too_long or len(text) <= most


def test_a_line_of_200_megabytes_does_not_fill_the_memory(tmp_path: Path) -> None:
    """It is a fault of its own, and the next one is read."""
    path = tmp_path / "in.jsonl"
    with path.open("wb") as file:
        file.write(b'{"prompt": "')
        file.seek(200 << 20)
        file.write(b'"}\n{"prompt": "next"}\n')
    tracemalloc.start()
    found = asked(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == ["[longer than 16 MiB]", "next"]
    assert most < 100 << 20


@given(st.lists(st.one_of(st.text(), st.integers(-5, 5)), max_size=30))
def test_ids_are_told_apart_exactly(ids: list[str | int]) -> None:
    """The first line of each is remembered; 1 and "1" are two."""
    first: dict[tuple[type, str | int], int] = {}
    with Ids() as seen:
        for line, id in enumerate(ids):
            assert seen.first_line(id, line) == first.setdefault((type(id), id), line)


def test_many_ids_take_little_memory() -> None:
    """Of Python's own, next to nothing; SQLite keeps 16 MiB and leaves the rest to a file."""
    with Ids() as seen:
        tracemalloc.start()
        for line in range(50_000):
            seen.first_line(f"record-{line}", line)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert seen.first_line("record-7", -1) == 7
    assert most < 1 << 20
