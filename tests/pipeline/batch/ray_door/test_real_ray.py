"""Real weights on two nodes, and the command as it is typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.batch.ray_door.conftest import Nodes, within
from tests.pipeline.batch.running import lines, read, timeless
from tests.pipeline.cli.interruptible import COMMAND

PROMPTS = [{"id": f"p{number}", "prompt": f"Say {number} things about tea."} for number in range(8)]
RULES = """
name: m
version: "1"
budget: {attempts: 1}
rules:
  - {id: calm, statement: The answer is calm and makes no fuss., threshold: 0.97}
"""


class Typed:
    """`superego batch` in a folder of its own, where nothing depends on what else is under way."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        (folder / "in.jsonl").write_bytes(lines(*PROMPTS))
        (folder / "m.yaml").write_text(RULES)
        self._env = {**os.environ, "PYTHONPATH": str(root), "SUPEREGO_THREADS": "1", "SUPEREGO_OPTIMISE": "false"}

    def begin(self, out: str, *more: str) -> subprocess.Popen[str]:
        own = ["batch", "in.jsonl", "-o", out, "-m", "m.yaml", "--max-tokens", "8", "--deterministic", *more]
        pipe = subprocess.PIPE
        command = [*COMMAND, *own]
        return subprocess.Popen(command, cwd=self._folder, env=self._env, stdout=pipe, stderr=pipe, text=True)

    def run(self, out: str, *more: str, code: int = 0) -> str:
        """What it says."""
        with self.begin(out, *more) as process:
            said, errors = process.communicate(timeout=240)
        assert process.returncode == code, errors
        return said + errors

    def records(self, out: str) -> int:
        """How many are in its journal."""
        journal = self._folder / f"{out}.journal"
        return journal.read_bytes().count(b'"status"') if journal.exists() else 0


@pytest.mark.timeout(280)
def test_stopped_and_a_node_killed_on_real_weights(tmp_path: Path, root: Path, nodes: Nodes) -> None:
    """Ctrl-C keeps what is done; gone on with, and with a node that is killed under it, the output is that of a local
    run, and nothing but the summary is said."""
    typed = Typed(tmp_path, root)
    typed.run("local.jsonl")
    on_ray = ("--engine", "ray", "--ray-address", nodes.address, "--ray-cpus", "1")
    with typed.begin("out.jsonl", *on_ray) as process:
        within(200, lambda: typed.records("out.jsonl") >= 1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "run the same command to go on" in errors
    done = typed.records("out.jsonl")
    assert 0 < done < len(PROMPTS)
    with typed.begin("out.jsonl", *on_ray) as process:
        within(200, lambda: typed.records("out.jsonl") > done)
        nodes.kill()
        said, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert said == ""
    assert f"({done} were done before)" in errors
    assert "raylet" not in errors
    records = [timeless(record) for record in read(tmp_path / "out.jsonl")]
    assert records == [timeless(record) for record in read(tmp_path / "local.jsonl")]


def test_a_local_run_does_not_load_ray(tmp_path: Path, root: Path) -> None:
    """Not to its last record."""
    (tmp_path / "in.txt").write_text("Say hi.\n")
    by_patterns = 'critics: [patterns], patterns: {forbid: ["!!!"]}'
    (tmp_path / "m.yaml").write_text(RULES.replace("threshold: 0.97", by_patterns))
    code = (
        "import sys; from typer.testing import CliRunner; from pipeline.cli.main import app;"
        "done = CliRunner().invoke(app, 'batch in.txt -o out.jsonl -m m.yaml --max-tokens 2 --no-cache'.split());"
        "print(done.exit_code, [name for name in sys.modules if name.partition('.')[0] == 'ray'])"
    )
    env = {**os.environ, "PYTHONPATH": str(root), "SUPEREGO_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[-2] == "0 []", done.stderr
    assert len(read(tmp_path / "out.jsonl")) == 1
