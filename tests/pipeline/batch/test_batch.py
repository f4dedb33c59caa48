from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from critics import Manifesto, Rule, ScriptedCritic
from pipeline import BadInput, DraftRequest, ModelUnavailable, Piece, Pieces, Pipeline
from pipeline.batch import run_batch

RULE = Rule(id="calm", statement="Calm.")


class Echo:
    """A generator that answers with the prompt, and can be stopped after some prompts."""

    name = "echo"
    can_continue = False

    def __init__(self, stop_after: int | None = None) -> None:
        self.asked: list[str] = []
        self._stop_after = stop_after
        self._lock = threading.Lock()

    def __call__(self, request: DraftRequest) -> Pieces:
        with self._lock:
            if self._stop_after is not None and len(self.asked) >= self._stop_after:
                raise KeyboardInterrupt
            self.asked.append(request.messages[-1].content)
        yield Piece(f"{request.messages[-1].content} ({request.seed})")


def pipeline(generator: Echo | None = None, version: str = "1") -> Pipeline:
    manifesto = Manifesto(name="m", version=version, rules=(RULE,))
    critic = ScriptedCritic(lambda draft, rule: float("bad" in draft))
    return Pipeline(manifesto, critic, generator or Echo())


def lines(*records: object) -> list[bytes]:
    return [(json.dumps(record) + "\n").encode() for record in records]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_come_out_in_the_order_of_the_input(tmp_path: Path) -> None:
    """One a line, with id, status and answer, however many workers there are."""
    given = lines(*({"id": f"p{i}", "prompt": f"prompt {i}"} for i in range(40)))
    for workers in (1, 4):
        out = tmp_path / f"{workers}.jsonl"
        run_batch(pipeline(), given, out, workers=workers)
        assert [(r["id"], r["status"]) for r in read(out)] == [(f"p{i}", "released") for i in range(40)]
    assert [r["answer"] for r in read(tmp_path / "1.jsonl")] == [r["answer"] for r in read(tmp_path / "4.jsonl")]


def test_plain_lines_are_prompts(tmp_path: Path) -> None:
    """Blank lines are left out, and a line's number is its id."""
    out = tmp_path / "out.jsonl"
    run_batch(pipeline(), [b"first\n", b"\n", "zweite Zeile – ü\n".encode()], out)
    assert [(r["id"], r["answer"].split(" (")[0]) for r in read(out)] == [(1, "first"), (3, "zweite Zeile – ü")]


def test_a_bad_line_is_a_faulted_record_and_not_the_end(tmp_path: Path) -> None:
    """Broken JSON, no prompt, both kinds of prompt, not UTF-8, wrong types, a lone surrogate, no user's turn."""
    bad = [
        b'{"prompt": \n',
        b'{"id": "x"}\n',
        b'{"prompt": "a", "messages": [{"role": "user", "content": "b"}]}\n',
        b'{"prompt": "\xff"}\n',
        b'{"prompt": 7}\n',
        b"[1]\n",
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n',
        b'{"prompt": "   "}\n',
        b'{"prompt": ' + b"[" * 100_000 + b"\n",
        b'{"id": ' + b"9" * 5000 + b', "prompt": "a"}\n',
        b'{"prompt": "odd \\ud800 one"}\n',
    ]
    out = tmp_path / "out.jsonl"
    run_batch(pipeline(), [*lines({"prompt": "good"}), *bad, *lines({"prompt": "good too"})], out)
    records = read(out)
    assert [r["status"] for r in records] == ["released", *["faulted"] * len(bad), "released"]
    assert all(f"line {n}: " in r["fault"] for n, r in enumerate(records, start=1) if r["status"] == "faulted")


def test_seeds_come_from_ids(tmp_path: Path) -> None:
    """A record's seed does not depend on its place."""
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    a, b = {"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x"}
    run_batch(pipeline(), lines(a, b), first)
    run_batch(pipeline(), lines(b, a), second)
    assert {r["id"]: r["seed"] for r in read(first)} == {r["id"]: r["seed"] for r in read(second)}
    assert read(first)[0]["seed"] != read(first)[1]["seed"]


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After an interruption nothing is asked twice, and the result is as if nothing had happened."""
    given = lines(*({"id": i, "prompt": f"prompt {i}"} for i in range(10)))
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    run_batch(pipeline(), given, whole)
    with pytest.raises(KeyboardInterrupt):
        run_batch(pipeline(Echo(stop_after=4)), given, out)
    assert not out.exists()
    rest = Echo()
    summary = run_batch(pipeline(rest), given, out)
    assert summary.resumed == 4
    assert rest.asked == [f"prompt {i}" for i in range(4, 10)]
    assert [r["answer"] for r in read(out)] == [r["answer"] for r in read(whole)]


def test_half_a_line_from_a_killed_run_is_written_anew(tmp_path: Path) -> None:
    """A record that was cut off in the middle does not count."""
    given = lines({"id": 1, "prompt": "a"}, {"id": 2, "prompt": "b"})
    out = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_batch(pipeline(Echo(stop_after=1)), given, out)
    partial = tmp_path / "out.jsonl.partial"
    partial.write_bytes(partial.read_bytes() + b'{"id": 2, "sta')
    assert run_batch(pipeline(), given, out).resumed == 1
    assert [r["id"] for r in read(out)] == [1, 2]


def interrupted(tmp_path: Path) -> Path:
    out = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_batch(pipeline(Echo(stop_after=1)), lines({"id": 1, "prompt": "a"}, {"id": 2, "prompt": "b"}), out)
    return out


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (lambda out: run_batch(pipeline(version="2"), lines({"id": 1, "prompt": "a"}), out), "another manifesto"),
        (
            lambda out: run_batch(pipeline(), lines({"id": 1, "prompt": "a"}), out, seed=9),
            "another manifesto, model or seed",
        ),
        (lambda out: run_batch(pipeline(), lines({"id": 7, "prompt": "a"}), out), "answers another input"),
    ],
)
def test_another_run_is_not_mixed_in(tmp_path: Path, again: Callable[[Path], object], said: str) -> None:
    """What was begun under other rules, another seed or another input is left alone."""
    out = interrupted(tmp_path)
    before = (tmp_path / "out.jsonl.partial").read_bytes()
    with pytest.raises(BadInput, match=said):
        again(out)
    assert (tmp_path / "out.jsonl.partial").read_bytes() == before


def test_an_edited_input_is_noticed_although_its_ids_are_the_same(tmp_path: Path) -> None:
    """The old answer does not stand beside the new prompt."""
    out = interrupted(tmp_path)
    with pytest.raises(BadInput, match="answers another input"):
        run_batch(pipeline(), lines({"id": 1, "prompt": "edited"}, {"id": 2, "prompt": "b"}), out)


def test_other_conditions_are_noticed(tmp_path: Path) -> None:
    """A judge or a temperature that changed makes another run of it."""
    out = interrupted(tmp_path)
    with pytest.raises(BadInput, match="another manifesto"):
        run_batch(pipeline(), lines({"id": 1, "prompt": "a"}, {"id": 2, "prompt": "b"}), out, conditions="new judge")


def test_blank_lines_before_json_are_skipped(tmp_path: Path) -> None:
    """And not taken for a sign that every line is a prompt."""
    out = tmp_path / "out.jsonl"
    run_batch(pipeline(), [b"\n", *lines({"id": "a", "prompt": "hello"})], out)
    assert [(r["id"], r["line"], r["answer"].split(" (")[0]) for r in read(out)] == [("a", 2, "hello")]


def test_a_model_out_of_reach_stops_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    """It would fault every record after it; run again, it goes on at the record that could not be answered."""

    class Outage(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages[-1].content == "b" and not self.asked[1:]:
                self.asked.append("b")
                raise ModelUnavailable("gone")
            return super().__call__(request)

    given = lines(*({"id": name, "prompt": name} for name in "abc"))
    out, generator = tmp_path / "out.jsonl", Outage()
    with pytest.raises(ModelUnavailable, match="gone"):
        run_batch(pipeline(generator), given, out)
    assert run_batch(pipeline(generator), given, out).resumed == 1
    assert [(r["id"], r["status"]) for r in read(out)] == [(name, "released") for name in "abc"]


def test_whatever_breaks_in_one_record_is_that_records_fault(tmp_path: Path) -> None:
    """A bug in a generator does not stop the run at the same line for ever."""

    class Buggy(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages[-1].content == "b":
                raise ZeroDivisionError("oops")
            return super().__call__(request)

    out = tmp_path / "out.jsonl"
    run_batch(pipeline(Buggy()), lines(*({"id": name, "prompt": name} for name in "abc")), out)
    assert [r["status"] for r in read(out)] == ["released", "faulted", "released"]
    assert "ZeroDivisionError: oops" in read(out)[1]["fault"]


def test_a_bad_line_keeps_its_id(tmp_path: Path) -> None:
    """Where it has one that can be read."""
    out = tmp_path / "out.jsonl"
    run_batch(pipeline(), [b'{"id": "mine", "prompt": 7}\n'], out)
    assert read(out)[0]["id"] == "mine"


def test_a_finished_output_is_never_overwritten(tmp_path: Path) -> None:
    """It may have cost a night."""
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    with pytest.raises(BadInput, match="is there already"):
        run_batch(pipeline(), lines({"prompt": "a"}), out)
    assert out.read_text() == "precious"


def test_two_runs_do_not_write_to_one_output(tmp_path: Path) -> None:
    """The second is refused while the first is at work."""
    out = tmp_path / "out.jsonl"

    def meanwhile(status: str) -> None:
        with pytest.raises(BadInput, match="another run"):
            run_batch(pipeline(), lines({"prompt": "a"}), out)

    run_batch(pipeline(), lines({"prompt": "a"}), out, progress=meanwhile)
    assert len(read(out)) == 1


def test_drafts_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    """`full` adds what was written and what was judged."""
    lean, full = tmp_path / "lean.jsonl", tmp_path / "full.jsonl"
    run_batch(pipeline(), lines({"prompt": "bad"}), lean)
    run_batch(pipeline(), lines({"prompt": "bad"}), full, full=True)
    assert "draft" not in read(lean)[0]["attempts"][0]
    assert read(full)[0]["attempts"][0]["draft"].startswith("bad")
