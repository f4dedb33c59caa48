"""What the server itself costs, and whether it stands: python -m bench.server [--seconds N].

1. A request over a kept connection against the same pipeline called in this process, in turns; the generator is
   scripted and the critic says yes, so that nothing else is measured. The client's own work is counted to the server.
2. 64 clients that stream for N seconds from a generator that takes its time. Every second one hangs up in the middle of
   its answer; the others must get theirs whole. Memory is the server's, in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.timing import alternating, spreads, took
from critics import Manifesto, Rule, ScriptedCritic, Usage
from pipeline import DraftRequest, Piece, Pieces, Pipeline, ScriptedGenerator

CLIENTS = 64
ROUNDS = 300
WORDS = 25
PACE = 0.01
"""Seconds between two words of the generator that takes its time."""
STUCK = 60.0
URL = "/v1/chat/completions"
ANSWER = "Good day to you."
LONG = " ".join(["word"] * WORDS)


class Slow:
    """Drafts a word at a time."""

    name = "slow"
    can_continue = False

    def __call__(self, request: DraftRequest) -> Pieces:  # noqa: ARG002
        for index in range(WORDS):
            time.sleep(PACE)
            yield Piece("word" if index == 0 else " word", Usage(0, 1))
        yield Piece("", finish="stop")


def judged(name: str) -> Manifesto:
    rule = Rule(id="fine", statement="The answer is fine.")
    return Manifesto(name=name, version="1", rules=(rule,))


def quick() -> Pipeline:
    return Pipeline(judged("quick"), ScriptedCritic(lambda _, __: 0.1), ScriptedGenerator([ANSWER]))


def slow() -> Pipeline:
    return Pipeline(judged("slow"), ScriptedCritic(lambda _, __: 0.1), Slow())


def serve() -> None:
    """The other process."""
    from pipeline.server import Catalogue, Options, Running, create_app, listen

    app = create_app(Catalogue.of(quick(), slow()), Options(keep_alive=0.05, tell="full"))
    with listen("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        Running(app, grace=5).run([listener])


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """Its port and its process."""
    command = [sys.executable, "-m", "bench.server", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def body(model: str, *, stream: bool) -> bytes:
    asked = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]}
    return json.dumps(asked).encode()


def overhead(port: int, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds."""
    pipeline = quick()
    wire = http.client.HTTPConnection("127.0.0.1", port)
    wire.connect()
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def asked(*, stream: bool) -> bytes:
        wire.request("POST", URL, body("quick", stream=stream), {"Content-Type": "application/json"})
        reply = wire.getresponse()
        said = reply.read()
        assert reply.status == 200, said
        assert ANSWER.encode() in said
        return said

    sides = {
        "in process": lambda _: took(lambda: pipeline.ask("Hello?")),
        "server": lambda _: took(lambda: asked(stream=False)),
        "server, streamed": lambda _: took(lambda: asked(stream=True)),
    }
    alternating(sides, 20)
    rows = spreads({name: [second * 1000 for second in s] for name, s in alternating(sides, rounds).items()})
    base = rows["in process"].median
    told: dict[str, Any] = {name: {"median_ms": row.median, "max_ms": row.max} for name, row in rows.items()}
    for name in ("server", "server, streamed"):
        told[name]["over_in_process_ms"] = round(rows[name].median - base, 3)
    return told


class Soak:
    """64 clients until the time is up."""

    def __init__(self, port: int, pid: int, seconds: float) -> None:
        self._port = port
        self._pid = pid
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self.came: Counter[str] = Counter()
        self.memory: list[float] = []

    async def run(self) -> dict[str, Any]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            for number in range(CLIENTS):
                group.create_task(self._client(leaves=number % 2 == 1))
        early = self.memory[len(self.memory) // 4]
        return {"came": dict(self.came), "memory_mib": {"early": early, "late": self.memory[-1]}}

    async def _watch(self) -> None:
        while time.monotonic() < self._until:
            self.memory.append(resident(self._pid))
            await asyncio.sleep(max(0.05, self._seconds / 40))
        self.memory.append(resident(self._pid))

    async def _client(self, *, leaves: bool) -> None:
        while time.monotonic() < self._until:
            try:
                async with asyncio.timeout(STUCK):
                    self.came[await self._once(leaves=leaves)] += 1
            except TimeoutError:
                self.came["stuck"] += 1
            except (OSError, asyncio.IncompleteReadError) as exc:
                self.came[f"broken: {type(exc).__name__}"] += 1

    async def _once(self, *, leaves: bool) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        asked = body("slow", stream=True)
        head = f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        try:
            writer.write(f"{head}Content-Length: {len(asked)}\r\n\r\n".encode() + asked)
            status = int((await reader.readline()).split()[1])
            if status != 200:
                await asyncio.sleep(0.1)
                return f"status {status}"
            if leaves:
                while not (await reader.readline()).startswith(b":"):
                    pass
                return "left"
            said = await reader.read()
            return "whole" if LONG.encode() in said and b"[DONE]" in said else "not whole"
        finally:
            writer.close()


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * 4096 / 2**20, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    with server() as (port, pid):
        print(json.dumps({"overhead": overhead(port, given.rounds)}, indent=2), flush=True)
        soak = asyncio.run(Soak(port, pid, given.seconds).run())
        print(json.dumps({"soak": {"clients": CLIENTS, "seconds": given.seconds, **soak}}, indent=2))


if __name__ == "__main__":
    main()
