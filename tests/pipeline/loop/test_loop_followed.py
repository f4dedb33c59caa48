"""A critic that reads along while the loop has a draft written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from critics import Budget, Exchange, Finding, Follow, Manifesto, Message, Rule, ScriptedCritic, Span, Stream
from pipeline import DraftOptions, Loop, ScriptedGenerator
from pipeline.drafting import Form, Tool, Tools

RULE = Rule(id="no-bad", statement="Nothing is bad.")
ASKED = Exchange((Message("user", "Write."),))


class Reader(ScriptedCritic):
    """Finds bad what says so, and where, and remembers what it was told while it was written."""

    def __init__(self, *, breaks: bool = False) -> None:
        super().__init__(lambda draft, _: float("bad" in draft))
        self.told: list[list[str]] = []
        self._breaks = breaks

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        at = exchange.judged.find("bad")
        spans = (Span(at, at + len("bad")),) if at >= 0 else ()
        return [replace(finding, spans=spans) for finding in super().__call__(exchange, rules)]

    @contextmanager
    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Follow | None]:
        assert exchange.draft is None
        assert list(rules) == [RULE]
        if self._breaks:
            raise RuntimeError("no")
        drafts: list[str] = []
        self.told.append(drafts)
        yield drafts.append


def run(critic: Reader, *drafts: str, answer: str | None = None, **keys: Any) -> ScriptedGenerator:
    manifesto = Manifesto(name="m", version="1", rules=(RULE,), budget=Budget(attempts=3), **keys)
    generator = ScriptedGenerator(drafts)
    outcome = Loop(generator, critic, manifesto)(ASKED)
    assert (outcome.status, outcome.answer) == ("released", answer or drafts[-1])
    return generator


def test_each_draft_is_told_as_it_grows_and_its_generator_knows() -> None:
    reader = Reader()
    generator = run(reader, "All bad.", "All is well.")
    assert [[draft for draft in drafts if draft] for drafts in reader.told] == [
        ["All", "All bad.", "All bad."],
        ["All", "All is", "All is well.", "All is well."],
    ]
    assert [request.followed for request in generator.requests] == [True, True]
    assert [exchange.draft for exchange in reader.seen] == ["All bad.", "All is well."]


def test_a_draft_that_goes_on_from_a_kept_beginning_is_told_with_it() -> None:
    reader, answer = Reader(), "Fine words. And more."
    generator = run(reader, "Fine words. All bad words.", "And more.", answer=answer, revision="rewind")
    assert generator.requests[1].continues == "Fine words. "
    assert reader.told[1] == ["Fine words. ", "Fine words. And", answer, answer]


def test_one_that_breaks_changes_nothing() -> None:
    generator = run(Reader(breaks=True), "All bad.", "All is well.")
    assert [request.followed for request in generator.requests] == [False, False]


def test_a_critic_that_does_not_follow_is_not_waited_for() -> None:
    generator = ScriptedGenerator(["All is well."])
    manifesto = Manifesto(name="m", version="1", rules=(RULE,))
    Loop(generator, ScriptedCritic(lambda *_: 0.0), manifesto)(ASKED)
    assert not generator.requests[0].followed


@pytest.mark.parametrize(
    ("stream", "watch_model", "options"),
    [
        ("hold", True, DraftOptions()),
        ("sentence", False, DraftOptions()),
        ("window", False, DraftOptions()),
        ("hold", False, DraftOptions(form=Form())),
        ("hold", False, DraftOptions(tools=Tools((Tool("look"),)))),
    ],
    ids=["judged by sentences", "shown by sentences", "shown by windows", "a form", "tools"],
)
def test_what_is_judged_otherwise_is_not_followed(stream: Stream, watch_model: bool, options: DraftOptions) -> None:
    """In parts, which the critic reads anyway, or not as it was written."""
    reader = Reader()
    generator = ScriptedGenerator(['{"well": 1}' if options.form else "All is well."])
    manifesto = Manifesto(name="m", version="1", rules=(RULE,), stream=stream)
    loop = Loop(generator, reader, manifesto, watch_model=watch_model)
    assert loop.stream(ASKED, options=options).ended().status == "released"
    assert reader.told == []
    assert not generator.requests[0].followed


def test_a_finding_is_by_the_whole_draft() -> None:
    """However much of it was told before."""
    reader = Reader()
    findings: list[Finding] = reader(Exchange(ASKED.conversation, "All bad."), [RULE])
    run(reader, "All bad.", "All is well.")
    assert findings[0].probability == 1.0
