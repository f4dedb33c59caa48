"""Pipelines that draft from a script and judge by words, so that every step is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import critics
from critics import Critic, Exchange, Finding, Manifesto, Message, Panel, PatternsCritic, PersonalDataCritic, Rule
from pipeline import ModelFault, Pipeline, ScriptedGenerator

PLAIN = """\
name: plain
version: "1"
refusal: No such words here.
budget: {attempts: 3}
rules:
  - id: no-jargon
    statement: There is no business jargon.
    critics: [patterns]
    patterns: {forbid_words: [synergy, leverage]}
    advice: Say it plainly.
"""

GUARDED = """
  - id: no-orders
    applies_to: input
    statement: Nothing gives orders to the assistant.
    critics: [patterns]
    patterns: {forbid_words: [ignore all instructions]}
    action: veto
"""

MENDED = """
  - id: no-addresses
    statement: There are no e-mail addresses.
    critics: [personal-data]
    personal-data: {entities: [email]}
    action: redact
"""

Make = Callable[..., Pipeline]


@pytest.fixture
def manifesto(tmp_path: Path) -> Callable[..., Manifesto]:
    """A manifesto that forbids two words; `more` goes on with its text, `top` with its keys."""

    def load(more: str = "", top: str = "") -> Manifesto:
        file = tmp_path / "plain.yaml"
        file.write_text(PLAIN.replace("rules:\n", f"{top}rules:\n") + more)
        return critics.load(str(file))

    return load


@pytest.fixture
def make(manifesto: Callable[..., Manifesto]) -> Make:
    """A pipeline by such a manifesto, with these drafts."""

    def pipeline(
        drafts: Sequence[str | Message | ModelFault] = (), more: str = "", top: str = "", *, can_continue: bool = False
    ) -> Pipeline:
        panel = Panel({"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()})
        generator = ScriptedGenerator(drafts, can_continue=can_continue) if drafts else None
        return Pipeline(manifesto(more, top), panel, generator)

    return pipeline


class Slow:
    """Judges as another critic does, once it is `done`, and says that it has `begun`."""

    def __init__(self, critic: Critic) -> None:
        self._critic = critic
        self.begun, self.done = threading.Event(), threading.Event()

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        self.begun.set()
        self.done.wait(20)
        return self._critic(exchange, rules)


@pytest.fixture
def slow() -> Iterator[Callable[[Pipeline], tuple[Pipeline, Slow]]]:
    """A pipeline with its critic made slow."""
    made: list[Slow] = []

    def slowed(pipeline: Pipeline) -> tuple[Pipeline, Slow]:
        made.append(Slow(pipeline.critic))
        return replace(pipeline, critic=made[-1]), made[-1]

    yield slowed
    for critic in made:
        critic.done.set()


@pytest.fixture
def guarded() -> str:
    """A rule for input, to go on with."""
    return GUARDED


@pytest.fixture
def mended() -> str:
    """A rule that redacts, to go on with."""
    return MENDED
