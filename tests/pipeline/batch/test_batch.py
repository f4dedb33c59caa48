from __future__ import annotations

import threading
from pathlib import Path

import pytest

from critics import Manifesto, Rule, ScriptedCritic
from pipeline import BadInput, DraftRequest, Pieces, Pipeline
from pipeline.batch import Event, Recorded
from pipeline.errors import Stopped
from tests.pipeline.batch.running import RULE, Echo, batch, go, lines, pipeline, prompts, read, timeless


def test_records_come_out_in_the_order_of_the_input(tmp_path: Path) -> None:
    """One a line, with id, status and answer, and the same, however many workers there are."""
    for workers in (1, 4):
        go(batch(tmp_path, prompts(40), f"{workers}.jsonl"), workers=workers)
    one, four = read(tmp_path / "1.jsonl"), read(tmp_path / "4.jsonl")
    assert [(r["id"], r["status"]) for r in one] == [(f"p{i}", "released") for i in range(40)]
    assert [timeless(r) for r in one] == [timeless(r) for r in four]


def test_a_slow_record_holds_up_nobody(tmp_path: Path) -> None:
    """Others are done and kept meanwhile, and all stand in order in the end."""
    gate, seen = threading.Event(), []

    class Slow(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages[-1].content == "prompt 0":
                assert gate.wait(20)
            yield from super().__call__(request)

    def observe(event: Event) -> None:
        if isinstance(event, Recorded):
            seen.append(event.record["id"])
            if len(seen) == 30:
                gate.set()

    go(batch(tmp_path, prompts(40)), pipeline(Slow()), workers=3, observe=observe)
    assert "p0" not in seen[:30]
    assert [r["id"] for r in read(tmp_path / "out.jsonl")] == [f"p{i}" for i in range(40)]


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
    go(batch(tmp_path, b"".join([lines({"prompt": "good"}), *bad, lines({"prompt": "good too"})])))
    records = read(tmp_path / "out.jsonl")
    assert [r["status"] for r in records] == ["released", *["faulted"] * len(bad), "released"]
    assert all(f"line {n}: " in r["fault"] for n, r in enumerate(records, start=1) if r["status"] == "faulted")


def test_a_bad_record_has_every_key_that_others_have(tmp_path: Path) -> None:
    """Whoever reads the output needs no special case."""
    go(batch(tmp_path, b'{"prompt": "good"}\n{"prompt"\n'))
    good, bad = read(tmp_path / "out.jsonl")
    assert good.keys() == bad.keys()
    assert bad["manifesto"] == good["manifesto"]


def test_an_id_that_was_there_before_is_a_fault(tmp_path: Path) -> None:
    """It says where; a number is not the word for it, and a record without an id has its line's number."""
    given = lines({"id": "a", "prompt": "1"}, {"id": "a", "prompt": "2"}, {"id": 7, "prompt": "3"})
    given += lines({"id": "7", "prompt": "4"}, {"id": 6, "prompt": "5"}, {"prompt": "6"})
    go(batch(tmp_path, given))
    faults = {r["line"]: r["fault"] for r in read(tmp_path / "out.jsonl") if r["status"] == "faulted"}
    assert faults == {
        2: "line 2: the id 'a' is that of line 1 already",
        6: "line 6: the id 6 is that of line 5 already",
    }


def test_a_record_that_cannot_be_used_takes_no_id_from_another(tmp_path: Path) -> None:
    """Ids that count from 0 are others than its line's number, under which it is told; and it is told what it lacks."""
    given = b'not json\n{"id": 1, "prompt": "good"}\nnot json\n{"id": 5, "prompt": "good"}\nnot json\n'
    go(batch(tmp_path, given))
    records = read(tmp_path / "out.jsonl")
    assert [(r["id"], r["status"]) for r in records if r["line"] % 2 == 0] == [(1, "released"), (5, "released")]
    assert all("not JSON" in r["fault"] for r in records if r["line"] % 2)


def test_seeds_come_from_ids(tmp_path: Path) -> None:
    """A record's seed does not depend on its place."""
    a, b = {"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x"}
    go(batch(tmp_path, lines(a, b), "1.jsonl"))
    go(batch(tmp_path, lines(b, a), "2.jsonl"))
    first, second = read(tmp_path / "1.jsonl"), read(tmp_path / "2.jsonl")
    assert {r["id"]: r["seed"] for r in first} == {r["id"]: r["seed"] for r in second}
    assert first[0]["seed"] != first[1]["seed"]


def test_a_record_may_name_its_manifesto(tmp_path: Path) -> None:
    """It is judged by that one, and one that is not there is the record's fault."""
    other = pipeline(version="9")
    given = lines({"prompt": "a"}, {"prompt": "a", "manifesto": "other"}, {"prompt": "a", "manifesto": "none"})
    go(batch(tmp_path, given), named={"other": other})
    records = read(tmp_path / "out.jsonl")
    assert [r["status"] for r in records] == ["released", "released", "faulted"]
    assert [r["manifesto"]["version"] for r in records[:2]] == ["1", "9"]


def test_strict_stops_at_the_first_fault(tmp_path: Path) -> None:
    """What was done before it is kept, and it says where."""
    job = batch(tmp_path, prompts(3) + b"{\n" + lines({"prompt": "late"}), strict=True)
    with pytest.raises(BadInput, match="line 4: not JSON"):
        go(job)
    assert not (tmp_path / "out.jsonl").exists()
    assert len(job.output.journal.read_bytes().splitlines()) > 3


def test_whatever_breaks_in_one_record_is_that_records_fault(tmp_path: Path) -> None:
    """A bug in a generator does not stop the run at the same line for ever."""

    class Buggy(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages[-1].content == "b":
                raise ZeroDivisionError("oops")
            return super().__call__(request)

    go(batch(tmp_path, lines(*({"id": name, "prompt": name} for name in "abc"))), pipeline(Buggy()))
    records = read(tmp_path / "out.jsonl")
    assert [r["status"] for r in records] == ["released", "faulted", "released"]
    assert "line 2: ZeroDivisionError: oops" in records[1]["fault"]


def test_asked_to_stop_it_finishes_what_is_under_way(tmp_path: Path) -> None:
    """And keeps it, begins nothing that only waits its turn, and says how to go on."""
    stop, under_way, late = threading.Event(), threading.Barrier(3), threading.Event()

    class Held(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            if stop.is_set():
                late.set()
            yield from super().__call__(request)
            if request.messages[-1].content in ("prompt 5", "prompt 6"):
                under_way.wait(20)
                assert stop.wait(20)

    def observe(event: Event) -> None:
        if isinstance(event, Recorded) and event.done == 5:
            under_way.wait(20)
            stop.set()
            late.wait(0.5)  # nobody sees to it meanwhile that what waits is taken back

    job, generator = batch(tmp_path, prompts(100)), Held()
    with pytest.raises(Stopped, match="the same command to go on"):
        go(job, pipeline(generator), workers=2, observe=observe, stop=stop)
    assert sorted(generator.asked) == [f"prompt {i}" for i in range(7)]  # of four taken at a time two only wait
    rest = Echo()
    assert go(job, pipeline(rest)).resumed == len(generator.asked)
    assert sorted(generator.asked + rest.asked) == sorted(f"prompt {i}" for i in range(100))


def test_two_runs_do_not_write_to_one_output(tmp_path: Path) -> None:
    """The second is refused while the first is at work."""
    job = batch(tmp_path, prompts(1))

    def meanwhile(event: Event) -> None:
        if isinstance(event, Recorded):
            with pytest.raises(BadInput, match="another run"):
                go(job)

    go(job, observe=meanwhile)
    assert len(read(tmp_path / "out.jsonl")) == 1


def test_drafts_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    """`full` adds what was written and what was judged."""
    for full in (False, True):
        go(batch(tmp_path, lines({"prompt": "bad"}), f"{full}.jsonl", full=full))
    assert "draft" not in read(tmp_path / "False.jsonl")[0]["attempts"][0]
    assert read(tmp_path / "True.jsonl")[0]["attempts"][0]["draft"].startswith("bad")


def test_the_summary_tells_what_rules_for_input_came_to(tmp_path: Path) -> None:
    """Of prompts, apart from drafts, and why a rule could not be judged."""
    rules = (Rule(id="asked", statement="Fit to be asked.", applies_to="input"), RULE)
    critic = ScriptedCritic(lambda said, rule: {"bad": 1.0, "odd": None}.get(said, 0.0), critique="why")
    own = Pipeline(Manifesto(name="m", version="1", rules=rules), critic, Echo())
    summary = go(batch(tmp_path, lines(*({"prompt": said} for said in ("bad", "bad", "odd", "good")))), own)
    assert summary.statuses == {"withheld": 3, "released": 1}
    assert (summary.inputs_broken, summary.inputs_undecided) == ({"asked": 2}, {"asked": 1})
    assert (summary.broken, summary.undecided, summary.why) == ({}, {}, {"asked": "why"})


def test_the_summary_is_of_the_whole_batch(tmp_path: Path) -> None:
    """Records that an earlier run has done are in it, and whoever reads along is given all of them in order."""
    given = lines(*({"id": i, "prompt": "bad" if i % 3 == 0 else "good"} for i in range(9)))
    seen: list[int] = []
    job = batch(tmp_path, given, also=(lambda record: seen.append(record["id"]),))
    with pytest.raises(KeyboardInterrupt):
        go(job, pipeline(Echo(stop_after=6)))
    summary = go(job)
    assert (summary.records, summary.statuses) == (9, {"released": 9})
    assert (summary.attempts, summary.broken) == ({1: 6, 2: 3}, {"calm": 3})
    assert 0 < summary.resumed < 9
    assert seen == list(range(9))
