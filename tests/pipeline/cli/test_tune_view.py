"""What a person sees of a run, and what a machine reads."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from pipeline import ModelFault, ScriptedGenerator
from pipeline.cli.tune.view import shown
from pipeline.cli.tune.view.diff import AROUND, word_diff
from pipeline.cli.tune.view.report import Report
from pipeline.cli.tune.view.words import ended
from pipeline.tuning import Ended, ProbePrompt, Rate, Spent
from tests.pipeline.tuning.desk import Desk, rule, words

DRAFTS = ["Good day to you. kind:0.4", "Well, well."]
FEW = st.lists(st.sampled_from(["the", "cat", "sat", "mat.", "on"]), max_size=AROUND).map(" ".join)


class Screen:
    """A report on a console of this width."""

    def __init__(self, width: int = 100, *, colour: bool = False) -> None:
        system = "standard" if colour else None
        self._file = io.StringIO()
        console = Console(file=self._file, width=width, force_terminal=colour, color_system=system, highlight=False)  # type: ignore[arg-type]  # a literal, chosen
        self.report = Report(console)

    def lines(self) -> list[str]:
        """What came since one looked last, without how long each thing took."""
        text = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return [re.sub(r"^(. .*[^,])  \d+\.\d s$", r"\1", line.rstrip()) for line in text.splitlines() if line.strip()]


def test_the_first_pass_shows_answers_and_what_they_break(tmp_path: Path) -> None:
    """A mark, the prompt, the answer, and a line for each rule that is broken, with how sure its critic is."""
    screen = Screen()
    Desk(tmp_path, ScriptedGenerator(DRAFTS), heard=screen.report).run(rule("kind", "threshold: 0.3"))
    head, *said, end = screen.lines()
    assert head == "ours: 1 rule, 2 prompts"
    assert said == [
        "✗ 1 one",
        "    Good day to you. kind:0.4",
        "    ✗ kind 0.40 (broken from 0.3)",
        "✓ 2 two",
        "    Well, well.",
    ]
    assert end.startswith("pass rate 50% (1 of 2); 2 drafts, 2 questions; ")


def test_a_save_shows_what_it_changed_and_nothing_else(tmp_path: Path) -> None:
    """What was edited, the answers that are judged otherwise, and how many pass, before and now."""
    screen = Screen()
    desk = Desk(tmp_path, ScriptedGenerator(DRAFTS), heard=screen.report)
    desk.run(rule("kind", "threshold: 0.3"))
    screen.lines()
    desk.run(rule("kind", "threshold: 0.5"))
    head, *said, end = screen.lines()
    assert head.startswith("── ")
    assert head.endswith(" kind: threshold 0.3 → 0.5")
    assert said == ["✗ → ✓ 1 one", "    mended: kind"]
    assert end.startswith("pass rate 50% → 100% (2 of 2); no model asked; first difference 0")


def test_an_edit_without_effect_says_how_far_it_is_from_one(tmp_path: Path) -> None:
    """In one line; and that nothing changes, in another."""
    screen = Screen()
    desk = Desk(tmp_path, ScriptedGenerator(DRAFTS), heard=screen.report)
    desk.run(rule("kind"))
    screen.lines()
    desk.run(rule("kind", "threshold: 0.6"))
    head, near, end = screen.lines()
    assert head.endswith(" kind: threshold 0.5 → 0.6")
    assert near == "    kind: 0.00 to 0.40 on these answers (broken from 0.6)"
    assert end.startswith("nothing changes: pass rate 100% (2 of 2); no model asked; ")
    desk.run(rule("kind", "threshold: 0.6"))
    head, end = screen.lines()
    assert head.endswith(" saved as it was")
    assert end.startswith("nothing changes: ")


@pytest.mark.parametrize(("prompts", "said"), [(2, "100% → 0% (0 of 2), within chance (p = 0.5): "), (6, "(0 of 6); ")])
def test_what_other_drafts_may_undo_is_said_to_be_chance(tmp_path: Path, prompts: int, said: str) -> None:
    """Two that are drafted worse may be so by chance, six hardly; the same drafts judged otherwise are no chance."""
    screen = Screen(width=200)
    asked = [ProbePrompt.of(f"prompt {n}") for n in range(prompts)]
    drafts = ["Well."] * prompts + ["Bad. kind:0.9"] * prompts
    desk = Desk(tmp_path, ScriptedGenerator(drafts), prompts=asked, told=True, heard=screen.report)
    desk.run(rule("kind"))
    desk.run(rule("kind", "advice: Be kind."))
    assert said in screen.lines()[-1]
    desk.run(rule("kind", "advice: Be kind.", "threshold: 0.95"))
    assert "chance" not in screen.lines()[-1]


@pytest.mark.parametrize(("turned", "chance"), [((4, 0), True), ((1, 0), False), ((0, 0), False)])
def test_what_is_judged_otherwise_is_not_said_to_be_chance(turned: tuple[int, int], chance: bool) -> None:
    """Of four more that pass, all must be other answers: an edit that turns the same answers does so each time."""
    told = Ended(
        before=Rate(0, 10), after=Rate(4, 10), released_before=None, released=None, turned=turned, differences=4,
        faulted=0, seconds=1.0, first_seconds=0.5, spent=Spent(), results=[],
    )  # fmt: skip
    assert ("within chance" in ended(told)) is chance


def test_without_colours_signs_say_what_went_and_came(tmp_path: Path) -> None:
    """As `wdiff` writes it; answers with little in common stand one after the other."""
    screen = Screen()
    answers = ["Good day to you all.", "Yes.", "Good evening to you all.", "Not at all, I should say."]
    desk = Desk(tmp_path, ScriptedGenerator(answers), told=True, heard=screen.report)
    desk.run(rule("kind"))
    screen.lines()
    desk.run(rule("kind", "advice: Be kind."))
    _, *said, _ = screen.lines()
    assert said == [
        "✓ 1 one",
        "    Good [-day-] {+evening+} to you all.",
        "✓ 2 two",
        "    - Yes.",
        "    + Not at all, I should say.",
    ]


def test_with_colours_there_are_no_signs(tmp_path: Path) -> None:
    """What went is red and struck out, what came is green."""
    screen = Screen(colour=True)
    answers = ["Good day to you.", "a", "Good night to you.", "a"]
    desk = Desk(tmp_path, ScriptedGenerator(answers), told=True, heard=screen.report)
    desk.run(rule("kind"))
    screen.lines()
    desk.run(rule("kind", "advice: Be kind."))
    (line,) = (line for line in screen.lines() if "night" in line)
    assert "\x1b[9;31mday\x1b[0m" in line
    assert "\x1b[32mnight\x1b[0m" in line
    assert "[-" not in line


def test_markup_in_answers_and_prompts_is_text(tmp_path: Path) -> None:
    """Nothing that a model writes is taken for an instruction to the console."""
    screen = Screen()
    Desk(tmp_path, ScriptedGenerator(["[bold]a[/bold] [/nothing]"]), heard=screen.report).run(words("a"))
    assert "    [bold]a[/bold] [/nothing]" in screen.lines()


def test_the_loop_is_shown_where_it_says_more_than_the_first_draft(tmp_path: Path) -> None:
    """What was released after a revision, and then only what ends otherwise."""
    screen = Screen(140)
    desk = Desk(tmp_path, ScriptedGenerator(["bad", "fine", "fine indeed"]), loop=True, heard=screen.report)
    desk.run(words("bad"), more="budget: {attempts: 2}")
    *_, head, how, text, end = screen.lines()
    assert (head, how, text) == (
        "✓ 1 one",
        "    by the loop released after 2 drafts: a draft passed",
        "    fine indeed",
    )
    assert end.startswith("pass rate 50% (1 of 2); released 100% (2 of 2); 3 drafts; ")
    desk.run(words("bad"), more="budget: {attempts: 1}")
    _, *said, end = screen.lines()
    assert said == ["✓ → ✗ 1 one", "    by the loop withheld after 1 draft: no attempts are left"]
    assert end.startswith("pass rate 50% (1 of 2); released 100% → 50% (1 of 2); no model asked; ")


def test_what_failed_or_could_not_be_judged_is_said(tmp_path: Path) -> None:
    """Neither passes, and each says why."""
    screen = Screen()
    desk = Desk(tmp_path, ScriptedGenerator(["kind:?", ModelFault("out of reach")]), heard=screen.report)
    desk.run(rule("kind"))
    _, *said, _ = screen.lines()
    assert said == [
        "✗ 1 one",
        "    kind:?",
        "    ? undecided: kind",
        "✗ 2 two",
        "    the model failed: out of reach",
    ]


def test_json_tells_of_the_loop_and_of_a_save_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each as a line with its own keys."""
    with shown(as_json=True) as view:
        desk = Desk(tmp_path, ScriptedGenerator(["bad", "fine"]), loop=True, heard=view)
        desk.run(words("bad"), more="budget: {attempts: 2}")
        desk.tuner.unusable("a.yaml:1:1: one\na.yaml:2:1: two")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    loops = [(line["prompt"], line["before"], line["after"]["attempts"]) for line in told if line["event"] == "loop"]
    assert loops == [(1, None, 2), (2, None, 1)]
    assert told[-2]["released"] == {"before": None, "after": {"passed": 2, "of": 2}}
    assert told[-1] == {"event": "unusable", "faults": ["a.yaml:1:1: one", "a.yaml:2:1: two"]}


def test_json_has_a_line_an_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what was paid, by which a script sees that nothing was."""
    with shown(as_json=True) as view:
        desk = Desk(tmp_path, ScriptedGenerator(DRAFTS), heard=view)
        desk.run(rule("kind", "threshold: 0.3"))
        desk.run(rule("kind", "threshold: 0.5"))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in told] == ["began", "answer", "answer", "ended", "began", "difference", "ended"]
    assert (told[1]["answer"], told[1]["passed"]) == (DRAFTS[0], False)
    assert told[4]["edited"] == ["kind: threshold 0.3 → 0.5"]
    assert (told[5]["by"], told[5]["mended"], told[5]["passed"]) == ("kept", ["kind"], {"before": False, "after": True})
    assert told[6]["passed"] == {"before": {"passed": 1, "of": 2}, "after": {"passed": 2, "of": 2}}
    assert (told[6]["drafts"], told[6]["judgements"], told[6]["differences"]) == (0, 0, 1)


@given(FEW, FEW)
def test_a_difference_of_words_holds_both_texts(before: str, after: str) -> None:
    """Where nothing is far from a change, what went and stayed is the one, what came and stayed the other."""
    assume(before != after)
    parts = word_diff(before, after)
    if parts is not None:
        for left_out, text in (("came", before), ("went", after)):
            kept = "".join(part.text for part in parts if part.kind != left_out)
            assert kept.split() == text.split()


def test_what_is_far_from_a_change_is_left_out() -> None:
    """A few words on each side show where it is."""
    long = [f"w{i}" for i in range(60)]
    parts = word_diff(" ".join(long), " ".join([*long[:30], "new", *long[30:]]))
    assert parts is not None
    text = "".join(part.text for part in parts)
    assert text == "… w24 w25 w26 w27 w28 w29 new w30 w31 w32 w33 w34 w35 …"
