"""Tables on narrow terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from critics import Exchange, Finding, Manifesto, Message, Panel, PatternsCritic, Rule, Usage, load, weigh
from pipeline.cli.critic.figures import table as trained
from pipeline.cli.evaluation.figures import _table as figures
from pipeline.cli.terminal.fitting import Fitting
from pipeline.cli.terminal.reporting import stdout
from pipeline.cli.trace import _table as rules
from pipeline.cli.trace import observer
from pipeline.loop import Attempt


def printed(shown: Fitting, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(shown)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    return lines


def evaluated() -> Table:
    table = figures("", "rows", "AUROC", "95 %", "F1")
    table.add_row(Text("replies"), "1200", "0.912", "0.861 to 0.974", "0.815")
    return table


def test_where_there_is_room_it_is_a_table() -> None:
    """As wide as its words at the least."""
    title, _, row = printed(Fitting(evaluated()), 60)
    assert title.split() == ["rows", "AUROC", "95", "%", "F1"]
    assert row.split() == ["replies", "1200", "0.912", "0.861", "to", "0.974", "0.815"]


@pytest.mark.parametrize("width", [40, 30, 20])
def test_no_number_is_cut_where_there_is_none(width: int) -> None:
    """A row is lines then: what it is about, and each figure under its name."""
    title, *lines = printed(Fitting(evaluated()), width)
    assert title == "replies"
    assert " ".join(" ".join(lines).split()) == "rows 1200; AUROC 0.912; 95 % 0.861 to 0.974; F1 0.815"


@pytest.mark.parametrize("width", [100, 40, 24])
def test_a_trace_keeps_its_marks_and_reasons(width: int) -> None:
    """At any width; without them it says nothing."""
    manifesto = load("house-style")
    found = [rule for rule in manifesto.rules_for("output") if rule.id in ("calm", "finished")]
    exchange = Exchange((Message("user", "Hi"),), "Welcome!")
    verdict = weigh(manifesto, found, Panel({"patterns": PatternsCritic()})(exchange, found))
    said = " ".join(" ".join(printed(rules(verdict), width)).split())
    assert "✓ finished" in said
    assert "✗ calm" in said
    assert "Welcome!”" in said


@pytest.mark.parametrize("width", [100, 52, 51, 40, 35, 30])
def test_how_an_attempt_went_is_told_in_full(width: int) -> None:
    """Also where the frame has no room for it."""
    manifesto = load("house-style")
    verdict = weigh(manifesto, manifesto.rules, [Finding("calm", "patterns", 1.0)])
    out = io.StringIO()
    attempt = Attempt(1, 1, "Welcome!", "Welcome!", verdict, Usage(), 0.0, finish="vetoed")
    observer(Console(file=out, width=width, color_system=None), manifesto)(attempt)
    said = " ".join(out.getvalue().translate(str.maketrans("╭╮╰╯│─", " " * 6)).split())
    assert "attempt 1 of 4: goes back while it was written" in said
    assert "score 0.00, released from 1.00" in said


def test_a_name_in_brackets_is_no_style(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows have sources that their users name; a closing one was an error, after all the training."""
    stdout().print(trained([("held-out rows of", "rows"), ("web [en]", "3"), ("[/x]", "4")]))
    said = capsys.readouterr().out
    assert "web [en]" in said
    assert "[/x]" in said


def test_a_figure_shows_what_it_came_to() -> None:
    """The breach is below the threshold, and the score below what is asked for."""
    only = Rule(id="kind", statement="Kind.")
    manifesto = Manifesto(name="m", version="1", rules=(only,), release=0.504)
    attempt = Attempt(1, 1, "Hi.", "Hi.", weigh(manifesto, [only], [Finding("kind", "judge", 0.498)]), Usage(), 0.0)
    out = io.StringIO()
    observer(Console(file=out, width=80, color_system=None), manifesto)(attempt)
    assert "0.498   revise" in out.getvalue()
    assert "score 0.50, released from 0.504" in out.getvalue()
