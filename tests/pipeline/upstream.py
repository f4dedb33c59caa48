"""llama-cpp-python's own server with the embedded weights, in a process of its own; no test of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipeline.assembly import embedded

SCRIPT = Path(__file__).with_name("upstream_server.py")


@contextmanager
def served(folder: Path, **more: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its base_url, and its process; the log is in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"model": embedded.weights(), "host": "127.0.0.1", "port": port, **more}
    options |= {"n_threads": 1, "n_threads_batch": 1, "verbose": "false"}  # two spin on each other where others work
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    log, command = folder / "upstream.log", [sys.executable, str(SCRIPT), *words]
    with log.open("wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out) as process:
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/v1/models", process, log)
            yield f"http://127.0.0.1:{port}/v1", process
        finally:
            process.kill()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the upstream did not start:\n{log.read_text()[-2000:]}")
