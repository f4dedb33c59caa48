"""An identity that nobody wears is named by whoever was given it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.cli.interruptible import COMMAND
from tests.pipeline.server.test_serve_command import ADDRESS, ENVIRONMENT, manifesto, superego


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the embedded model holds of another manifesto than the one in use."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "superego.yaml").write_text("generator: {max_tokens: 4, context: 1024}\n")
    done = superego("identity", "build", "state", "-m", "house-style", "-o", "other.state", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "other.state"


def test_batch_names_it(state: Path, tmp_path: Path) -> None:
    """And goes on: records may name its manifesto."""
    (tmp_path / "superego.yaml").write_text("generator: {max_tokens: 4, context: 1024}\n")
    (tmp_path / "in.txt").write_text("Say hi.\n")
    flags = ["-m", manifesto(tmp_path, "own"), "--identity", str(state), "--no-cache"]
    done = superego("batch", "in.txt", "-o", "out.jsonl", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "was made of the manifesto house-style, and only records that name that one will wear it" in said


def test_batch_names_it_in_a_note_where_progress_is_json(state: Path, tmp_path: Path) -> None:
    """The log as well: a line that is no JSON would break whoever reads them."""
    (tmp_path / "superego.yaml").write_text("generator: {max_tokens: 4, context: 1024}\n")
    (tmp_path / "in.txt").write_text("Say hi.\n")
    flags = ["-m", manifesto(tmp_path, "own"), "--identity", str(state), "--no-cache", "--json-progress"]
    done = superego("batch", "in.txt", "-o", "out.jsonl", *flags, cwd=tmp_path)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert told[0]["event"] == "note"
    assert "was made of the manifesto house-style" in told[0]["text"]


def test_serve_names_it(state: Path, tmp_path: Path) -> None:
    """Before it listens."""
    (tmp_path / "superego.yaml").write_text("generator: {max_tokens: 4, context: 1024}\n")
    command = [*COMMAND, "serve", "--port", "0", "-m", manifesto(tmp_path, "own"), "--identity", str(state)]
    said = list[str]()
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        for line in process.stderr or ():
            said.append(line)
            if ADDRESS.search(line):
                break
        process.kill()
    told = " ".join("".join(said).split())
    assert "was made of the manifesto house-style, and none that is served wears it" in told
