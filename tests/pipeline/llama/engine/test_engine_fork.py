"""What is left of an engine in a forked process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILDREN = """
import os
import sys
import time

from pipeline.assembly import embedded
from pipeline.errors import ModelFault, ModelUnusable
from pipeline.llama.engine import Engine, Generation
from pipeline.llama.model import LlamaModel


def ask():
    return list(engine.generate(Generation((1, 2, 3), 2)))


def closes():
    engine.close()


def refused(work):
    try:
        work()
    except (ModelFault, ModelUnusable) as exc:
        assert "forked" in str(exc), exc
    else:
        raise AssertionError("it was not refused")


def asks():
    refused(ask)


def makes_one():
    refused(lambda: Engine(engine.model, context=64, threads=1))


def ends():
    pass


engine = Engine(LlamaModel(embedded.weights()), context=64, threads=2)
ask()
for child in (asks, makes_one, closes, ends):
    pid = os.fork()
    if not pid:
        child()
        sys.exit(0)
    deadline = time.monotonic() + 30
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.02)
    if not ended[0]:
        os.kill(pid, 9)
    print(child.__name__, "hangs" if not ended[0] else ended[1])
print("parent", len(ask()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_is_refused_and_ends(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CHILDREN], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == ["asks 0", "makes_one 0", "closes 0", "ends 0", "parent 2"]
