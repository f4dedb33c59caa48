"""`examples/compose.yaml`, run without a container engine: its command, its environment and its health check, before a
real upstream in a process of its own. Addresses alone are others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pipeline.server import new_key
from tests.pipeline.server.test_serve_command import ENVIRONMENT, serving

LOCAL = {"--host", "--port", "--upstream", "--upstream-model"}


def test_the_services_of_the_compose_file_answer(
    upstream: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the key is answered by the upstream, once the service says that it is healthy; others are refused."""
    service: dict[str, Any] = yaml.safe_load((root / "examples" / "compose.yaml").read_text())["services"]["superego"]
    key, digest = new_key()
    for name, value in service["environment"].items():
        monkeypatch.setitem(ENVIRONMENT, name, value.replace("${SUPEREGO_KEY_SHA256:?}", digest))
    flags = [flag for flag in service["command"][2:] if flag.partition("=")[0] not in LOCAL]
    body = {
        "model": "superego/public-assistant", "max_tokens": 12,
        "messages": [{"role": "user", "content": "Name a city in Italy."}],
    }  # fmt: skip
    with serving(*flags, "--upstream", upstream, cwd=tmp_path) as (base, _):
        healthy = subprocess.run(_probe(service, base), timeout=60, check=False)
        refused = httpx.post(f"{base}/v1/chat/completions", json=body, timeout=60)
        headers = {"Authorization": f"Bearer {key}"}
        answered = httpx.post(f"{base}/v1/chat/completions", json=body, headers=headers, timeout=120)
    assert healthy.returncode == 0
    assert refused.status_code == 401
    assert answered.status_code == 200
    assert answered.json()["choices"][0]["finish_reason"] in {"stop", "length", "content_filter"}


def _probe(service: dict[str, Any], base: str) -> list[str]:
    """The health check as the container would run it, of the server that runs here."""
    kind, program, *arguments = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    return [sys.executable, *(re.sub(r"http://127\.0\.0\.1:\d+", base, argument) for argument in arguments)]
