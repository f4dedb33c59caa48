"""The server keeps to what its own OpenAPI says, whatever is sent to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.server import Key, new_key
from tests.pipeline.server.serving import app_of, running, scripted

CONFIG = """
[checks.positive_data_acceptance]
# What fits the schema may still say nothing, want a model that is not there, or end with the assistant's turn.
expected-statuses = ["2xx", 400, 404, 413, 422]
"""


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All of its checks: no 500, no crash, no answer that is not declared, no key that can be left out."""
    key, digest = new_key()
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    app = app_of(scripted("rude", "Good day."), scripted("Good day.", name="other"), keys=(Key("tests", digest),))
    with running(app) as base:
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{base}/openapi.json",
            "--header", f"Authorization: Bearer {key}", "--checks", "all", "--phases", "coverage,fuzzing",
            "--max-examples", "15", "--seed", "1", "--suppress-health-check", "all", "--no-color",
        ]  # fmt: skip
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.pipeline.server.openapi_hooks"},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: 8" in done.stdout
    answered = app.state.service.telling.metrics.page().decode()
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/moderations"):
        assert f'superego_requests_total{{path="{path}",status="200"}}' in answered
