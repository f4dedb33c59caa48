from __future__ import annotations

import csv
import re
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import IN_PART, Exchange, Finding, Manifesto, Rule, ScriptedCritic
from pipeline import DraftRequest, OutputFault, Piece, Pieces, Pipeline
from pipeline.batch import Ended, Event, Report, Summary
from pipeline.batch.report.counts import Counts
from pipeline.batch.report.worst import LONGEST, SHOWN, Worst
from tests.pipeline.batch.running import Echo, batch, go, lines, pipeline, prompts, read

RULES = (
    Rule(id="calm", statement="Calm."),
    Rule(id="kind", statement="Kind.", action="veto"),
    Rule(id="short", statement="Short.", action="flag"),
)
ASKED = {"input": "in <b>.jsonl", "seed": "0"}


class Writer:
    """Answers with the prompt; where it is told what to do better, without its first word."""

    name = "writer"
    can_continue = False

    def __call__(self, request: DraftRequest) -> Pieces:
        asked = [message.content for message in request.messages if message.role == "user"]
        words = asked[0].split()[len(asked) - 1 :]
        yield Piece(" ".join(words) + " end")


def own(generator: Any = None) -> Pipeline:
    """A rule is broken where its id is in the draft."""
    critic = ScriptedCritic(lambda draft, rule: 0.9 if rule.id in draft else 0.1)
    return Pipeline(Manifesto(name="m", version="1", rules=RULES), critic, generator or Writer())


GIVEN = lines(
    {"id": "good", "prompt": "good"},
    {"id": "flagged", "prompt": "short and good"},
    {"id": "revised", "prompt": "calm good"},
    {"id": "withheld", "prompt": "kind kind kind kind kind good"},
    {"id": "faulted", "prompt": " "},
)


def counted(folder: Path, given: bytes = GIVEN) -> Counts:
    counts = Counts()
    go(batch(folder, given, also=(counts.add,)), own())
    return counts


def test_what_was_asked_passed_revised_and_withheld(tmp_path: Path) -> None:
    """Each record is counted once, by what came of it and how many drafts it took."""
    counts = counted(tmp_path)
    assert counts.records() == 5
    assert [counts.records(status) for status in ("released", "withheld", "faulted")] == [3, 1, 1]
    assert counts.at_once == 2
    assert counts.drafts == sum(len(record["attempts"]) for record in read(tmp_path / "out.jsonl"))
    assert counts.reasons("released") == [("passed", 3)]


def test_breaches_are_counted_by_rule(tmp_path: Path) -> None:
    """In drafts; a flag is released all the same."""
    counts = counted(tmp_path)
    assert counts.rules["calm"].broken == 1
    assert (counts.rules["short"].broken, counts.rules["short"].released) == (1, 1)
    assert (counts.rules["kind"].broken, counts.rules["kind"].released) == (len_of(tmp_path, "withheld"), 0)
    assert {own.judged for own in counts.rules.values()} == {counts.drafts}


def test_a_rule_of_several_critics_is_broken_where_all_together_say_so(tmp_path: Path) -> None:
    """Whatever one of them found: a mean may acquit a rule, and two small doubts come to a breach."""
    words = {"mean": (0.9, 0.1), "noisy-or": (0.4, 0.4), "max": (None, 0.9)}
    rules = tuple(
        Rule(id=combine, statement="Kept.", critics=("one", "two"), combine=combine, threshold=0.6, action="flag")
        for combine in ("mean", "noisy-or", "max")
    )

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        said = ((rule.id, zip(rule.critics, words[rule.id], strict=True)) for rule in rules)
        return [Finding(rule, name, p, f"{p}") for rule, words_ in said for name, p in words_]

    counts, worst = Counts(), Worst()
    own = Pipeline(Manifesto(name="m", version="1", rules=rules), critic, Echo())
    summary = go(batch(tmp_path, prompts(1), "out.csv", also=(counts.add, worst.add)), own)
    assert summary.broken == {"noisy-or": 1, "max": 1}
    assert {rule: (own.broken, own.undecided) for rule, own in counts.rules.items()} == {
        "mean": (0, 0),
        "noisy-or": (1, 0),
        "max": (1, 0),
    }
    assert [draft.why for draft in worst.drafts()] == [{"noisy-or": "0.4", "max": "0.9"}]
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["broken"] for row in csv.DictReader(file)] == ["noisy-or max"]


def one_rule(tmp_path: Path, findings: Sequence[Finding], **more: Any) -> tuple[Summary, Worst]:
    """A batch of one prompt, whose draft has these findings."""
    worst = Worst()
    rule = Rule(id="a", statement="Kept.", critics=("one", "two", "three"), threshold=0.6, **more)
    own = Pipeline(Manifesto(name="m", version="1", rules=(rule,)), lambda *_: findings, Echo())
    return go(batch(tmp_path, prompts(1), also=(worst.add,)), own), worst


def test_who_could_not_judge_gives_no_reason_for_a_breach(tmp_path: Path) -> None:
    """That the others found together."""
    found = [Finding("a", "one", None, "timed out"), Finding("a", "two", 0.4), Finding("a", "three", 0.4)]
    _, worst = one_rule(tmp_path, found, combine="noisy-or", action="flag")
    assert [draft.why for draft in worst.drafts()] == [{"a": ""}]


def test_a_rule_that_was_judged_in_part_has_that_for_a_reason(tmp_path: Path) -> None:
    """Though its critic has found something there."""
    found = [Finding("a", "one", 0.1), Finding("a", "two", 0.1), Finding("a", "three", 0.9, "says so", in_part=True)]
    summary, _ = one_rule(tmp_path, found, combine="mean")
    assert summary.why == {"a": IN_PART}


def len_of(folder: Path, id: str) -> int:
    (record,) = [record for record in read(folder / "out.jsonl") if record["id"] == id]
    return len(record["attempts"])


def test_a_report_after_a_resume_is_of_all_records(tmp_path: Path) -> None:
    """Whoever did them, and whenever."""
    (tmp_path / "whole").mkdir()
    whole, resumed = Report(), Report()
    go(batch(tmp_path / "whole", prompts(20), also=(whole,)))
    with pytest.raises(KeyboardInterrupt):
        go(batch(tmp_path, prompts(20)), pipeline(Echo(stop_after=7)))
    go(batch(tmp_path, prompts(20), also=(resumed,)))
    assert timeless(resumed.page({})) == timeless(whole.page({}))
    assert "20 drafts" in whole.page({})


def timeless(page: str) -> str:
    return re.sub(r"\d+\.\d\d s", "", page)


def test_where_the_report_cannot_be_written_the_same_command_writes_it(tmp_path: Path) -> None:
    """The journal stays until the report is there, and the output as it is."""

    def full(event: Event) -> None:
        if isinstance(event, Ended):
            raise OutputFault("no space")

    job = batch(tmp_path, prompts(3))
    with pytest.raises(OutputFault, match="no space"):
        go(job, observe=full)
    before = (tmp_path / "out.jsonl").stat().st_ino
    report, silent = Report(), Echo()
    go(batch(tmp_path, prompts(3), also=(report,)), pipeline(silent))
    assert silent.asked == []
    assert "3 drafts" in report.page({})
    assert (tmp_path / "out.jsonl").stat().st_ino == before
    assert not job.output.journal.exists()


def test_nothing_that_is_shown_becomes_part_of_the_page(tmp_path: Path) -> None:
    """Ids, drafts, faults and names of files."""
    evil = "<script>alert(1)</script>"
    report = Report()
    asked = lines({"id": evil, "prompt": f"calm {evil}"}, {"id": evil, "prompt": "again"})
    go(batch(tmp_path, asked, also=(report,)), own())
    page = report.page(ASKED)
    assert "<script" not in page
    assert "in &lt;b&gt;.jsonl" in page
    assert page.count("&lt;script&gt;") == 3


def test_a_batch_of_nothing_has_a_report(tmp_path: Path) -> None:
    """And one in which nothing could be asked."""
    for given_ in (b"", b"{\n"):
        report = Report()
        go(batch(tmp_path, given_, f"{len(given_)}.jsonl", also=(report,)))
        assert report.page({}).startswith("<!doctype html>")
        assert "<svg" not in report.page({})


def record(number: int, *breaches: float, length: int = 5) -> dict[str, Any]:
    """What `outcome_record` makes, of drafts with these probabilities of a breach."""
    attempts = [
        {
            "draft": f"{number}.{index} " + "x" * length,
            "text": "",
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "verdict": {
                "score": 1 - breach,
                "breach": breach,
                "rules": {"calm": (outcome := "broken" if breach >= 0.5 else "pass")},
                "findings": [{"rule": "calm", "outcome": outcome, "critique": f"c{number}"}],
            },
        }
        for index, breach in enumerate(breaches)
    ]
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    return {
        "id": f"id{number}",
        "line": number + 1,
        "status": "withheld",
        "stop_reason": "attempts",
        "answer": "no",
        "fault": f"fault {number}",
        "manifesto": {"name": "m", "version": "1", "hash": "h"},
        "input_verdict": None,
        "attempts": attempts,
        "usage": {"generator": usage, "critic": usage, "seconds": 0.5},
    }


@given(st.lists(st.lists(st.sampled_from([0.1, 0.4, 0.5, 0.7, 0.9, 1.0]), max_size=3), max_size=40))
def test_the_worst_drafts_are_those(drafts: list[list[float]]) -> None:
    """Of each record its worst, if it broke a rule; of those the ten surest, and of equals the first."""
    worst = Worst()
    for number, breaches in enumerate(drafts):
        worst.add(record(number, *breaches))
    broken = [(-max(b), number) for number, b in enumerate(drafts) if b and max(b) >= 0.5]
    expected = [(f"id{number}", -negative) for negative, number in sorted(broken)[:SHOWN]]
    assert [(draft.id, draft.breach) for draft in worst.drafts()] == expected
    assert all(drafts[d.line - 1][d.number - 1] == d.breach for d in worst.drafts())


def test_a_long_draft_is_cut() -> None:
    """The page stays light."""
    worst = Worst()
    worst.add(record(1, 0.9, length=1_000_000))
    assert len(worst.drafts()[0].text) <= LONGEST + 2


def test_memory_does_not_grow_with_the_records() -> None:
    """Ten times as many records, each worse than those before it, of a report that has seen thousands."""
    report = Report()
    tracemalloc.start()
    try:
        sizes = []
        for upto in (2_000, 20_000):
            for number in range(upto):
                report(record(number, 0.5 + number / 1e6, length=5_000))
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 20_000
