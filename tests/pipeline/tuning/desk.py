"""A manifesto on somebody's desk, with scripted models behind it; no test of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import critics
from critics import Critic, Exchange, Finding, Manifesto, Panel, PatternsCritic, Rule, Usage
from pipeline import DraftRequest, Generator, Piece, Pieces, Pipeline
from pipeline.caching import CachingCritic, CachingGenerator, Store, UnaskedGenerator, unasked_critic
from pipeline.identity import PromptedGenerator, preprompt
from pipeline.tuning import Ended, Event, Made, ProbePrompt, Spent, Tuner

PROMPTS = (ProbePrompt.of("one"), ProbePrompt.of("two"))
OWN = "tests.pipeline.tuning.desk:own"
"""What rules call the scripted critic."""

E = TypeVar("E")


class Weighing:
    """Says that a rule is broken as far as the number in the text says so, where the rule's statement is in it as well;
    remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        self.asked += [rule.id for rule in rules]
        return [Finding(rule.id, "own", self.opinion(exchange.judged, rule), usage=Usage(1, 0)) for rule in rules]

    @staticmethod
    def opinion(text: str, rule: Rule) -> float | None:
        found = [word for word in text.split() if word.startswith(f"{rule.id}:")]
        if not found:
            return 0.0
        said = found[0].removeprefix(f"{rule.id}:")
        return None if said == "?" else float(said)


class Gate:
    """Drafts, and waits behind the first word of the second draft until it may go on, or nobody wants it."""

    name = "gate"
    can_continue = False

    def __init__(self) -> None:
        self.asked = 0
        self.waits = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, request: DraftRequest) -> Pieces:
        self.asked += 1
        yield Piece("Bad ")
        if self.asked == 2:
            self.waits.set()
            while not (self.goes_on.wait(0.01) or (request.stop and request.stop.is_set())):
                pass
        yield Piece("words.")
        yield Piece("", finish="stop")


class Desk:
    """Runs of one tuner over one store. `told` puts the manifesto into the generator as well."""

    def __init__(
        self,
        folder: Path,
        generator: Generator,
        *,
        prompts: Sequence[ProbePrompt] = PROMPTS,
        told: bool = False,
        loop: bool = False,
        heard: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self.file = folder / "manifesto.yaml"
        self.critic = Weighing()
        self.events: list[Event] = []
        self.store = Store(folder / "cache.sqlite")
        self._generator = generator
        self._told = told
        self._heard = heard
        self.tuner = Tuner(lambda _: prompts, self._hear, loop=loop, workers=1)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._heard(event)

    def run(self, rules: str, stop: threading.Event | None = None, more: str = "") -> Ended | None:
        """One run through an edit; what was told before is forgotten."""
        self.write(rules, more)
        self.events.clear()
        return self.tuner.run(self.made(), stop or threading.Event())

    def write(self, rules: str, more: str = "") -> None:
        self.file.write_text(f'name: ours\nversion: "1"\n{more}\nrules:\n{rules}')

    def made(self) -> Made:
        manifesto = critics.load(str(self.file), trusted=(OWN,))
        return Made(self._pipeline(manifesto, kept=False), self._pipeline(manifesto, kept=True), self._spent)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def _spent(self) -> Spent:
        return Spent(self.store.missed["drafts"], self.store.missed["verdicts"])

    def _pipeline(self, manifesto: Manifesto, *, kept: bool) -> Pipeline:
        critic: Critic = unasked_critic if kept else self.critic
        panel = Panel(
            {OWN: CachingCritic(critic, self.store, identity="own"), "patterns": PatternsCritic()}, seconds=None
        )
        generator = UnaskedGenerator(self._generator) if kept else self._generator
        drafts: Generator = CachingGenerator(generator, self.store)
        return Pipeline(manifesto, panel, PromptedGenerator(drafts, preprompt(manifesto)) if self._told else drafts)


def rule(id: str, *more: str) -> str:
    """A rule for the scripted critic."""
    fields = ", ".join((f"id: {id}", f"statement: {id}.", f"critics: ['{OWN}']", *more))
    return f"  - {{{fields}}}\n"


def words(forbidden: str, *more: str) -> str:
    """A rule that no model judges."""
    fields = ", ".join(("id: words", "statement: Not these.", "critics: [patterns]", *more))
    return f"  - {{{fields}, patterns: {{forbid_words: [{forbidden}]}}}}\n"
