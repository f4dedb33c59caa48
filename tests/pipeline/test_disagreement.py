from __future__ import annotations

from io import StringIO

from rich.console import Console

from critics import Finding, Manifesto, Rule, Usage, weigh
from pipeline.cli.trace import observer
from pipeline.files.records import verdict_record
from pipeline.loop import Attempt

RULES = tuple(Rule(id=name, statement="A.", critics=("one", "two")) for name in ("a", "b"))
MANIFESTO = Manifesto(name="m", version="1", rules=RULES)
FINDINGS = [Finding("a", "one", 0.1), Finding("a", "two", 0.8), Finding("b", "one", 0.1), Finding("b", "two", 0.2)]
VERDICT = weigh(MANIFESTO, RULES, FINDINGS)


def test_the_record_names_the_rules_on_which_critics_disagree() -> None:
    """And no others."""
    assert verdict_record(VERDICT)["disagreement"] == {"a": 0.8 - 0.1}


def test_the_record_says_what_came_of_each_rule() -> None:
    """Of all its critics together."""
    assert verdict_record(VERDICT)["rules"] == {"a": "broken", "b": "pass"}


def test_the_trace_says_that_critics_disagree() -> None:
    """Beside the rule."""
    console = Console(file=StringIO(), width=120)
    observer(console, MANIFESTO)(Attempt(1, 1, "hi", "hi", VERDICT, Usage(), 0.0))
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().count("its critics lie 0.70 apart") == 1
