"""The pipeline from async code: the same outcome, and work that stops with whoever waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import critics
from critics import Panel, PatternsCritic
from pipeline import DraftRequest, Pieces, Pipeline, ScriptedGenerator
from pipeline.drafting import Generator
from pipeline.rim import Back, in_thread
from tests.pipeline.endless import Endless

MANIFESTO = """\
name: plain
version: "1"
rules:
  - {id: plain, statement: Plain., critics: [patterns], patterns: {forbid_words: [synergy]}}
"""

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[[Generator], Pipeline]:
    """A pipeline round a generator."""
    file = tmp_path / "plain.yaml"
    file.write_text(MANIFESTO)
    manifesto = critics.load(str(file))
    return lambda generator: Pipeline(manifesto, Panel({"patterns": PatternsCritic()}), generator)


async def test_aask_gives_what_ask_gives(pipeline: Callable[[Generator], Pipeline]) -> None:
    """Attempts and all."""
    drafts = ["Synergy.", "Together."]
    outcome = await pipeline(ScriptedGenerator(drafts)).aask("What?", seed=3)
    expected = pipeline(ScriptedGenerator(drafts)).ask("What?", seed=3)
    assert (outcome.answer, outcome.seed, len(outcome.attempts)) == (expected.answer, 3, 2)


async def test_many_wait_at_once(pipeline: Callable[[Generator], Pipeline]) -> None:
    """Each has its own thread: not one of them waits for another to end."""
    together = threading.Barrier(40, timeout=30)

    class Meeting(ScriptedGenerator):
        def __call__(self, request: DraftRequest) -> Pieces:
            together.wait()
            return super().__call__(request)

    meeting = pipeline(Meeting(["Together."]))
    outcomes = await asyncio.gather(*(meeting.aask("What?") for _ in range(40)))
    assert [outcome.answer for outcome in outcomes] == ["Together."] * 40


async def test_cancelling_aask_stops_the_work(pipeline: Callable[[Generator], Pipeline]) -> None:
    """Before the cancellation is through, the generator is closed."""
    endless = Endless()
    waiting = asyncio.create_task(pipeline(endless).aask("What?"))
    await asyncio.to_thread(endless.begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert endless.closed.is_set()


async def test_astream_gives_the_parts(pipeline: Callable[[Generator], Pipeline]) -> None:
    """And the outcome afterwards."""
    async with pipeline(ScriptedGenerator(["Synergy.", "Together."])).astream("What?") as answer:
        assert "".join([part async for part in answer]) == "Together." == answer.shown
    assert answer.outcome.status == "released"


async def test_aask_holds(pipeline: Callable[[Generator], Pipeline]) -> None:
    """As `ask` does, whatever the manifesto says of streams."""
    plain = pipeline(ScriptedGenerator(["We work. Synergy. Yes.", "We help. Yes."]))
    manifesto = plain.manifesto.model_copy(update={"stream": "sentence", "revision": "converse"})
    outcome = await Pipeline(manifesto, plain.critic, plain.generator).aask("What?")
    assert outcome.answer == "We help. Yes."


async def test_leaving_astream_stops_the_work(pipeline: Callable[[Generator], Pipeline]) -> None:
    """Whoever read is cancelled while it waits for a part."""
    endless = Endless()

    async def read() -> None:
        async for _ in pipeline(endless).astream("What?"):
            pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(endless.begun.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert endless.closed.is_set()


async def test_cancelling_astream_ends_it(pipeline: Callable[[Generator], Pipeline]) -> None:
    """From outside: the parts end, and the outcome says why."""
    endless = Endless()
    answer = pipeline(endless).astream("What?")

    async def read() -> list[str]:
        return [part async for part in answer]

    reading = asyncio.create_task(read())
    await asyncio.to_thread(endless.begun.wait)
    answer.cancel()
    assert await reading == []
    assert answer.outcome.stop_reason == "cancelled"


async def test_a_pipeline_is_freed_at_the_end(pipeline: Callable[[Generator], Pipeline]) -> None:
    """`async with` closes it."""
    freed = threading.Event()
    plain = pipeline(ScriptedGenerator(["Together."]))
    async with Pipeline(plain.manifesto, plain.critic, plain.generator, free=freed.set) as ego:
        assert (await ego.aask("What?")).released() == "Together."
        assert not freed.is_set()
    assert freed.is_set()


async def test_a_thread_sees_the_callers_context() -> None:
    """Tracing goes by it."""
    VARIABLE.set("set")
    assert await in_thread(VARIABLE.get, cancel=lambda: None) == "set"


async def test_what_a_thread_raises_is_raised_here() -> None:
    """As it is."""

    def broken() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await in_thread(broken, cancel=lambda: None)


async def test_the_way_back_is_closed_once_cancelled() -> None:
    """Nothing more begins on the event loop."""
    back = Back()
    back.cancel()
    with pytest.raises(asyncio.CancelledError):
        await in_thread(lambda: back.run(lambda: asyncio.sleep(0)), cancel=back.cancel)
