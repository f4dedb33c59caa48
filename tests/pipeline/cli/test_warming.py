"""What `serve` has loaded before it says that it is ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from critics import Exchange, Finding, Manifesto, Panel, Patterns, Rule
from pipeline import Pipeline
from pipeline.cli.serve.warming import warm
from pipeline.settings import Settings

PATTERNS = Patterns(forbid_words=("x",))
RULES = (
    Rule(id="one", statement="S.", critics=("patterns", "judge"), open_between=(0.1, 0.9), patterns=PATTERNS),
    Rule(id="two", statement="S.", critics=("personal-data", "judge")),
    Rule(id="three", statement="S.", critics=("personal-data", "remote")),
    Rule(id="asked", statement="S.", critics=("judge",), applies_to="input"),
    Rule(id="own", statement="S.", critics=("mine:critic",)),
)
NAMES = ("patterns", "personal-data", "judge", "remote", "mine:critic")


class Called:
    """Critics that note what they were asked about, and fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool, tuple[str, ...]]] = []

    def critic(self, name: str) -> Any:
        def judge(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
            self.calls.append((name, exchange.draft is None, tuple(rule.id for rule in rules)))
            raise RuntimeError("not today")

        return judge


@pytest.mark.parametrize(
    ("judge", "asked"),
    [("embedded", [("judge", False, ("one",)), ("judge", True, ("asked",))]), ("openai:far", [])],
)
def test_every_critic_in_this_process_is_asked_once(judge: str, asked: list[Any]) -> None:
    """Whatever another one says, and whatever comes of it; nobody behind a server is, nor somebody's own."""
    called = Called()
    manifesto = Manifesto(name="m", version="1", rules=RULES)
    settings = Settings.model_validate({"judge": {"model": judge}})
    warm([Pipeline(manifesto, Panel({name: called.critic(name) for name in NAMES}))], settings)
    free = [("patterns", False, ("one",)), ("personal-data", False, ("two", "three"))]
    assert sorted(called.calls) == sorted([*asked, *free])
