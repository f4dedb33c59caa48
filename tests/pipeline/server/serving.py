"""Parts of the server's tests: manifestos, scripted pipelines, and a server that runs; no test of its own."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient as StarletteClient

from critics import Manifesto, Message, Rule, ScriptedCritic, Usage
from pipeline import DraftRequest, ModelFault, Piece, Pieces, Pipeline, ScriptedGenerator
from pipeline.server import Catalogue, Options, Running, create_app, listen

TestClient = functools.partial(StarletteClient, base_url="http://localhost")

POLITE = {"id": "polite", "statement": "The answer is polite.", "advice": "Be kind."}
NO_BOMBS = {"id": "no-bombs", "statement": "Nobody asks for bombs.", "applies_to": "input", "action": "veto"}
REFUSAL = "That I will not say."


def manifesto(**keys: Any) -> Manifesto:
    told = {"name": "polite", "version": "1", "rules": [POLITE, NO_BOMBS], "refusal": REFUSAL, **keys}
    return Manifesto.model_validate_json(json.dumps(told))


def opinion(text: str, rule: Rule) -> float | None:
    """`rude` breaks the rule for output, `bomb` the one for input, and nobody can judge `riddle`."""
    if "riddle" in text:
        return None
    return 0.9 if ("bomb" if rule.applies_to == "input" else "rude") in text else 0.1


def scripted(*drafts: str | Message | ModelFault, **keys: Any) -> Pipeline:
    return Pipeline(manifesto(**keys), ScriptedCritic(opinion), ScriptedGenerator(drafts))


def app_of(*pipelines: Pipeline, **options: Any) -> FastAPI:
    return create_app(Catalogue.of(*pipelines), Options(**{"tell": "full", **options}))


def chat(text: str = "Hello?", **fields: Any) -> dict[str, Any]:
    return {"model": "superego/polite", "messages": [{"role": "user", "content": text}], **fields}


class Gated:
    """Drafts one word, says so, and the others once it is let."""

    name = "gated"
    can_continue = False

    def __init__(self, words: Iterable[str] = ("one", "two", "three")) -> None:
        self._words = list(words)
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.closed = threading.Event()
        self.written: list[str] = []

    def __call__(self, request: DraftRequest) -> Pieces:
        try:
            for index, word in enumerate(self._words):
                if index == 1:
                    self.begun.release()
                    while not self.go.wait(0.01):
                        yield Piece("", Usage())  # a place to be stopped at
                self.written.append(word)
                yield Piece(f"{word} ", Usage(0, 1))
            yield Piece("", finish="stop")
        finally:
            self.closed.set()


def gated(generator: Gated, **keys: Any) -> Pipeline:
    return Pipeline(manifesto(**keys), ScriptedCritic(opinion), generator)


@contextmanager
def running(app: FastAPI, *, grace: float = 5.0) -> Iterator[str]:
    """The address of the app, served on a free port."""
    with listen("127.0.0.1", 0) as free:
        server = app.state.running = Running(app, grace=grace)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]}, daemon=True)
        thread.start()
        end = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < end, "the server did not start within 30 seconds"
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
