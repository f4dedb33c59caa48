from __future__ import annotations

import csv
import gzip
import json
import resource
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

import pyarrow.parquet as pq
import pytest
from backports import zstd

from critics import Budget, ExtraMissing, Manifesto, Rule, ScriptedCritic
from pipeline import BadInput, DraftRequest, OutputFault, Piece, Pieces, Pipeline
from pipeline.batch import Batch, Event, Input, Output, Writing
from pipeline.batch.writing.columns import COLUMNS, undecided
from pipeline.batch.zstd import _NAME
from tests.pipeline.batch.running import RULE, Echo, batch, go, lines, pipeline, prompts, read

GIVEN = lines({"id": "a", "prompt": "hello, you"}, {"id": 7, "prompt": "two\nlines"}, {"id": "c"})


def test_csv(tmp_path: Path) -> None:
    """A row a record, whatever is in it; what CSV has no columns for is under `details` as JSON."""
    go(batch(tmp_path, GIVEN, "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [(r["id"], r["status"], r["attempts"]) for r in rows] == [
        ("a", "released", "1"),
        ("7", "released", "1"),
        ("c", "faulted", "0"),
    ]
    assert rows[1]["answer"].startswith("two\nlines")
    assert rows[2]["fault"].startswith("line 3:")
    (attempt,) = json.loads(rows[0]["details"])["attempts"]
    assert attempt["verdict"]["findings"][0]["rule"] == "calm"


@pytest.mark.parametrize("out", ["out.xlsx", "out.txt", "out.pdf.gz"])
def test_a_suffix_of_another_format_is_refused_before_any_work(tmp_path: Path, out: str) -> None:
    """Lines of JSON under that name are what nobody wants; whoever names the format gets it, and shards say theirs."""
    echo = Echo()
    with pytest.raises(BadInput, match="or say which with --output-format"):
        go(batch(tmp_path, prompts(1), out), pipeline(echo))
    assert echo.asked == []
    assert Output(tmp_path / out, "jsonl").told("jsonl") == Output(tmp_path / out, shard=5).told("jsonl") == "jsonl"


@pytest.mark.parametrize(("out", "package"), [("out.parquet", "pyarrow"), ("out.csv.zst", _NAME)])
def test_a_missing_package_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, package: str
) -> None:
    """Rather than after a night; and nothing is left behind."""
    echo = Echo()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraMissing, match=r"pip install 'superego\[batch\]'"):
        go(batch(tmp_path, prompts(1), out), pipeline(echo))
    assert echo.asked == []
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("out")] == []


@pytest.mark.parametrize("name", ["nope.jsonl", "x" * 300, "a\0b"])
def test_a_missing_input_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    """Nor is anything said of its progress."""
    events: list[Event] = []
    job = Batch(Input(str(tmp_path / name)), Output(tmp_path / "out.jsonl"))
    with pytest.raises(BadInput, match="No such file"):
        go(job, observe=events.append)
    assert (events, [*tmp_path.iterdir()]) == ([], [])


def test_what_no_pipe_can_give_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet ends with the list of what is in it; and a standard input that is closed gives nothing at all."""
    job = batch(tmp_path, b"")
    with pytest.raises(BadInput, match="Parquet is read from a file"):
        go(replace(job, input=Input("-", form="parquet")))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BadInput, match="standard input is closed: give a file"):
        go(replace(job, input=Input("-")))
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_folder_is_no_input(tmp_path: Path) -> None:
    """As other programs make of one table; it is told at once, and what helps."""
    (tmp_path / "in.parquet").mkdir()
    with pytest.raises(BadInput, match="is a folder: give a file of it"):
        go(Batch(Input(str(tmp_path / "in.parquet")), Output(tmp_path / "out.jsonl")))
    assert [file.name for file in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("-", "a batch is written whole, in the end: give -o a file"),
        ("", "is a folder: name the file in it"),
        ("..", "is a folder: name the file in it"),
        ("/", "is a folder: name the file in it"),
        ("none/out.jsonl", "cannot be written: there is no such folder"),
        ("x" * 300, "cannot be written: File name too long"),
        ("a\0b", "cannot be written: embedded null"),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_place_at_which_no_file_can_be_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, said: str, restart: bool
) -> None:
    """And nothing is advised that would replace it."""
    monkeypatch.chdir(tmp_path)
    echo, job = Echo(), batch(tmp_path, prompts(1), restart=restart)
    with pytest.raises(BadInput, match=said):
        go(replace(job, output=Output(Path(out))), pipeline(echo))
    assert (echo.asked, [file.name for file in tmp_path.iterdir()]) == ([], ["in.jsonl"])


@pytest.mark.parametrize("device", ["/dev/stdout", "/dev/fd/1", "/dev/null", "/dev/../dev/stdout"])
def test_a_device_is_no_output(device: str) -> None:
    """Though it may lead to a file: what took its place would do so for everybody. It is not tried out here."""
    with pytest.raises(BadInput, match="is no file, and none takes its place"):
        Output(Path(device)).refuse_unusable()


def test_a_lone_carriage_return_does_not_end_a_row(tmp_path: Path) -> None:
    """Whoever reads the file by the book finds every record."""
    go(batch(tmp_path, lines({"id": "a\rb", "prompt": "x"}, {"id": "c", "prompt": "x"}), "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["id"] for r in rows] == ["a\rb", "c"]


@pytest.mark.parametrize("seed", [10**30, -1])
def test_any_seed_of_a_request_can_be_written(tmp_path: Path, seed: int) -> None:
    """It is brought into the range of seeds, as on the server, and ends no run that is done."""
    messages = [{"role": "user", "content": "hi"}]
    go(batch(tmp_path, lines({"custom_id": "x", "body": {"messages": messages, "seed": seed}}), "out.parquet"))
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["status"], row["seed"]) == ("released", seed & 0x7FFFFFFF)


def test_parquet(tmp_path: Path) -> None:
    """The same columns, with types."""
    go(batch(tmp_path, GIVEN + prompts(2500), "out.parquet"))
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.column("id").to_pylist()[:4] == ["a", "7", "c", "p0"]
    assert table.column("score").to_pylist()[:3] == [1.0, 1.0, None]
    assert table.num_rows == 2503


def test_openai_results(tmp_path: Path) -> None:
    """A request file gives a result file: a completion or an error for each `custom_id`, and nothing else."""
    messages = [{"role": "user", "content": "hi"}]
    request = {"custom_id": "x", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": messages}}
    go(batch(tmp_path, lines(request, {**request, "custom_id": "y", "url": "/v1/embeddings"})))
    good, bad = read(tmp_path / "out.jsonl")
    assert (good["custom_id"], good["error"], bad["custom_id"], bad["response"]) == ("x", None, "y", None)
    body = good["response"]["body"]
    assert good["response"]["status_code"] == 200
    assert (body["object"], body["model"]) == ("chat.completion", "superego/m")
    assert body["choices"][0]["message"]["content"].startswith("hi (")
    assert body["choices"][0]["finish_reason"] == "stop"
    assert bad["error"]["code"] == "faulted"


def test_what_is_withheld_is_filtered(tmp_path: Path) -> None:
    """As on the server: the refusal is the answer, and the reason says so."""

    class Bad(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            for piece in super().__call__(request):
                yield Piece("bad " + piece.text)

    go(batch(tmp_path, lines({"prompt": "x"}), form="openai"), pipeline(Bad()))
    (result,) = read(tmp_path / "out.jsonl")
    choice = result["response"]["body"]["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] == pipeline().manifesto.refusal


def test_the_reason_is_that_of_the_answer(tmp_path: Path) -> None:
    """Which is the best draft, where the manifesto gives that, and not always the last one."""

    class Cut(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            first = request.messages[-1].content == "x"
            yield Piece("bad", finish="length") if first else Piece("so bad", finish="stop")

    under = Manifesto(name="m", version="1", rules=(RULE,), on_exhausted="best", budget=Budget(attempts=2))
    critic = ScriptedCritic(lambda draft, rule: 0.9 if "so" in draft else 0.6)
    go(batch(tmp_path, lines({"prompt": "x"}), form="openai"), Pipeline(under, critic, Cut()))
    (result,) = read(tmp_path / "out.jsonl")
    (choice,) = result["response"]["body"]["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("bad", "length")


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("on_exhausted", "expected"), [("best", ("released", 0.6, "calm")), ("refusal", ("withheld", 1.0, "calm wild"))]
)
def test_a_row_tells_of_the_draft_that_is_its_answer(
    tmp_path: Path, on_exhausted: Literal["best", "refusal"], expected: tuple[str, float, str], full: bool
) -> None:
    """Which is the best one, where the manifesto gives that, whether drafts are kept or not. Of what is withheld, it
    tells of the last one."""

    class Worse(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            yield Piece("bad" if request.messages[-1].content == "x" else "wild")

    rules = (RULE, Rule(id="wild", statement="Not wild."))
    under = Manifesto(name="m", version="1", rules=rules, on_exhausted=on_exhausted, budget=Budget(attempts=2))
    critic = ScriptedCritic(lambda draft, rule: 1.0 if draft == "wild" else 0.6 * (rule.id == "calm"))
    go(batch(tmp_path, lines({"prompt": "x"}), "out.parquet", full=full), Pipeline(under, critic, Worse()))
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["status"], row["breach"], row["broken"]) == expected
    assert [attempt.get("text") for attempt in json.loads(row["details"])["attempts"]] == (
        ["bad", "wild"] if full else [None, None]
    )


def test_a_folder_of_shards(tmp_path: Path) -> None:
    """Of so many records each, in order; there all at once."""
    go(batch(tmp_path, prompts(25), "out", shard=10))
    parts = sorted((tmp_path / "out").iterdir())
    assert [part.name for part in parts] == ["part-00000.jsonl", "part-00001.jsonl", "part-00002.jsonl"]
    assert [len(read(part)) for part in parts] == [10, 10, 5]
    assert [r["id"] for part in parts for r in read(part)] == [f"p{i}" for i in range(25)]


def test_shards_are_packed_as_the_folder_says(tmp_path: Path) -> None:
    """Each by itself."""
    go(batch(tmp_path, prompts(3), "out.jsonl.gz", shard=2))
    parts = sorted((tmp_path / "out.jsonl.gz").iterdir())
    assert [part.name for part in parts] == ["part-00000.jsonl.gz", "part-00001.jsonl.gz"]
    assert [len(gzip.decompress(part.read_bytes()).splitlines()) for part in parts] == [2, 1]


def test_packed_outputs(tmp_path: Path) -> None:
    """Are the same as those that are not."""
    for name in ("out.jsonl", "out.jsonl.gz", "out.csv.zst"):
        go(batch(tmp_path, prompts(5), name))
    assert len(gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()) == 5
    assert zstd.decompress((tmp_path / "out.csv.zst").read_bytes()).startswith(b"id,line,")
    with pytest.raises(BadInput, match="packed by itself"):
        go(batch(tmp_path, prompts(5), "out.parquet.gz"))


@pytest.mark.parametrize(
    ("out", "shard"),
    [("out.csv", None), ("out.jsonl.gz", None), ("out.csv.zst", None), ("out.parquet", None), ("out.parquet", 1200)],
)
def test_an_output_that_does_not_fit_leaves_the_journal(tmp_path: Path, out: str, shard: int | None) -> None:
    """Everything is in it; with room, the same command makes the output without asking anything again."""
    draw = Random(1)  # so that nothing can be packed into next to nothing
    given = lines(*({"id": i, "prompt": str(draw.getrandbits(1600))} for i in range(1500)))
    job, generator = batch(tmp_path, given, out, shard=shard), Echo()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def observe(event: Event) -> None:
        if isinstance(event, Writing):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    kept = rf"{out} cannot be written: .*File too large.*; all is kept in .* again, without --restart, to go on"
    try:
        with pytest.raises(OutputFault, match=kept):
            go(job, pipeline(generator), observe=observe)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", f"{out}.journal"]
    assert go(job, pipeline(generator)).records == 1500
    assert len(generator.asked) == 1500


def test_rules_that_left_all_undecided_are_told_with_the_first_reason() -> None:
    """Those alone, and only where they decided the outcome."""
    findings = [
        {"rule": "a", "outcome": "pass", "critique": "fine"},
        {"rule": "b", "outcome": "undecided", "critique": "no such head"},
        {"rule": "b", "outcome": "undecided", "critique": "out of time"},
        {"rule": "c", "outcome": "undecided", "critique": "settled by another critic"},
    ]
    verdict = {"rules": {"a": "pass", "b": "undecided", "c": "pass"}, "findings": findings}
    assert undecided({"outcome": "undecided", **verdict}) == {"b": "no such head"}
    assert undecided({"outcome": "pass", **verdict}) == {}
    assert undecided(None) == {}
