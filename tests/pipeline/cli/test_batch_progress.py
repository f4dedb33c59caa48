"""What is shown of a batch while it runs."""

from __future__ import annotations

import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline import BadInput, DraftRequest, Pieces
from pipeline.batch import Began, Event, Recorded, Writing
from pipeline.cli.batch.progress import shown
from pipeline.cli.batch.progress.json_lines import JsonLines
from pipeline.cli.batch.progress.log import Log
from pipeline.cli.batch.progress.pace import Pace
from pipeline.cli.batch.progress.terminal import Terminal, drawn
from pipeline.cli.batch.progress.words import span
from pipeline.errors import Stopped
from tests.pipeline.batch.running import Echo, batch, go, lines, pipeline, prompts


def recorded(done: int, status: str = "released", tokens: int = 10, *broken: str) -> Recorded:
    usage = {"prompt_tokens": 0, "completion_tokens": tokens}
    record = {
        "status": status,
        "stop_reason": "passed",
        "fault": "",
        "input_verdict": None,
        "attempts": [{"verdict": {"outcome": "revise", "rules": dict.fromkeys(broken, "broken"), "findings": []}}],
        "usage": {"generator": usage, "critic": usage, "seconds": 1.0},
    }
    return Recorded(record, done)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def paced() -> tuple[Pace, Clock]:
    """After half a minute: 100 of 1,000 were done before, and 60 more since, with 10 tokens each."""
    clock = Clock()
    pace = Pace(clock)
    pace(Began(Path("out.jsonl"), 1000, 100, 4))
    for number in range(60):
        clock.now += 0.5
        pace(recorded(101 + number, "withheld" if number % 6 == 0 else "released", 10, *["calm"] * (number % 6 == 0)))
    return pace, clock


def test_the_pace_is_that_of_this_run() -> None:
    """What was done before took no time now."""
    told = paced()[0].progress()
    assert (told.done, told.total, told.resumed) == (160, 1000, 100)
    assert told.statuses == {"released": 50, "withheld": 10}
    assert told.broken == {"calm": 10}
    assert told.prompts_per_minute == pytest.approx(120)
    assert told.tokens_per_second == pytest.approx(20)
    assert told.seconds_left == pytest.approx(840 / 2)


def test_the_pace_falls_where_nothing_comes() -> None:
    """A run that stands still does not go on looking fast."""
    pace, clock = paced()
    clock.now += 30
    assert pace.progress().prompts_per_minute == pytest.approx(60)


def test_the_pace_follows_a_change() -> None:
    """A thousand quick ones from the cache do not hide for long that the rest is slow."""
    clock = Clock()
    pace = Pace(clock)
    pace(Began(Path("out.jsonl"), None, 0, 1))
    for number in range(1600):
        clock.now += 0.001 if number < 1000 else 1
        pace(recorded(number + 1))
    told = pace.progress()
    assert told.prompts_per_minute == pytest.approx(60)
    assert told.seconds_left is None


def test_before_anything_is_done_no_pace_is_told() -> None:
    """Nor while the output is written."""
    pace, _ = paced()
    pace(Writing(1000))
    for told in (Pace().progress(), pace.progress()):
        assert (told.prompts_per_minute, told.tokens_per_second, told.seconds_left) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.6, "4 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (200_000, "2 d 7 h")]
)
def test_times_are_told_in_two_units(seconds: float, said: str) -> None:
    """Nobody needs more."""
    assert span(seconds) == said


def rendered(told: Any, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(told)
    return caught.get()


@pytest.mark.parametrize("width", [40, 100])
def test_a_terminal_shows_all_of_it_on_three_lines(width: int) -> None:
    """Also a narrow one, which cuts them."""
    text = rendered(drawn(paced()[0].progress()), width)
    assert len(text.splitlines()) == 3
    assert "160 of 1,000 done, 30 s" in text
    assert "50 released, 10 withheld" in text
    assert "broken most: calm 10" in text
    if width == 100:
        assert "120 prompts/min, 20 tokens/s, 7 min 0 s left (100 done before)" in text


def test_a_terminal_is_clean_when_it_is_left() -> None:
    """The display is gone in the end, and notes stay."""
    file = io.StringIO()
    with Terminal(Console(file=file, force_terminal=True, width=80, highlight=False)) as terminal:
        terminal(Began(Path("out.jsonl"), 3, 0, 1))
        terminal(recorded(1))
        terminal.say("a [note]")
    assert file.getvalue().endswith("\x1b[2Ka [note]\n")  # after the last line was erased


def test_a_note_from_a_signal_waits_for_nobody() -> None:
    """It may come while the thread that says it is being waited for by the display."""
    terminal = Terminal(Console(file=io.StringIO(), force_terminal=True, width=80))
    with terminal, terminal._pace._lock:
        time.sleep(0.5)  # by now the display waits, and holds what printing needs
        said = threading.Thread(target=terminal.say, args=("stopping",), daemon=True)
        said.start()
        said.join(timeout=5)
        assert not said.is_alive()


def test_a_log_has_plain_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No escapes: what it is, how far it is now and then, and when it is written."""
    log = Log()

    def observe(event: Event) -> None:
        log(event)
        if isinstance(event, Recorded):
            log.tick()

    given = lines({"prompt": "bad"}, {"prompt": "good"})
    go(batch(tmp_path, given), observe=observe)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"{tmp_path / 'out.jsonl'}: 2 prompts, 1 at a time"
    assert said[1].startswith("1 of 2 done; 1 released; ")
    assert "prompts/min" in said[2]
    assert said[2].endswith("broken most: calm 1")
    assert said[3] == "2 done; writing the output"
    assert "\x1b" not in "".join(said)


def test_json_lines_tell_all_of_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every few seconds, also while one prompt takes long, and every line is JSON."""
    monkeypatch.setattr("pipeline.cli.batch.progress.views.JSON_SECONDS", 0.02)

    class Slow(Echo):
        def __call__(self, request: DraftRequest) -> Pieces:
            time.sleep(0.2)
            return super().__call__(request)

    with shown(as_json=True) as view:
        go(batch(tmp_path, prompts(2)), pipeline(Slow()), observe=view)
        view.say("by the way")
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    events = [line["event"] for line in told]
    # A progress may come while the output is written, and none once that is said to have ended.
    assert (events[0], events[-2:]) == ("began", ["ended", "note"])
    assert [event for event in events if event != "progress"][-3:] == ["writing", "ended", "note"]
    assert events.count("progress") >= 5
    assert told[0].keys() >= {"done", "total", "resumed", "workers", "statuses", "broken"}
    last = [line for line in told if line["event"] == "progress"][-1]
    assert last.keys() >= {"tokens_per_second", "prompts_per_minute", "seconds", "seconds_left"}
    assert told[-2]["statuses"] == {"released": 2}


def test_no_progress_comes_behind_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where it was due while the end was being told."""
    told: list[str] = []
    threads: list[threading.Thread] = []
    view = JsonLines()

    class Due(io.StringIO):
        def write(self, text: str) -> int:
            told.append(json.loads(text)["event"])
            if told[-1] == "ended":
                threads.append(threading.Thread(target=view.tick))
                threads[0].start()
                threads[0].join(0.1)
            return len(text)

    monkeypatch.setattr("sys.stderr", Due())
    go(batch(tmp_path, prompts(1)), observe=view)
    threads[0].join(5)
    assert told[-1] == "ended"


def test_quiet_says_only_what_must_be_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """That the journal was cut, for one."""
    stop = threading.Event()
    stop.set()
    job = batch(tmp_path, prompts(2))
    with pytest.raises(Stopped):
        go(job, stop=stop)
    with job.output.journal.open("ab") as file:
        file.write(b"half a li")
    with shown(quiet=True) as view:
        go(job, observe=view)
    assert capsys.readouterr().err == (
        "note: the last 9 bytes of the journal were not whole; what stood there is done again\n"
    )


def test_quiet_and_json_exclude_each_other() -> None:
    """Both at once is bad usage."""
    with pytest.raises(BadInput, match="either --quiet or --json-progress"), shown(quiet=True, as_json=True):
        pass
