"""Real upstreams, which end with the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.assembly import embedded
from tests.pipeline.upstream import served


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's file."""
    return embedded.weights()


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base_url of a llama.cpp server."""
    with served(tmp_path_factory.mktemp("upstream"), n_ctx="2048", logits_all="true") as (url, _):
        yield url


@pytest.fixture(scope="session")
def tools_upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same, with a chat format that has tools."""
    with served(tmp_path_factory.mktemp("tools"), n_ctx="1024", chat_format="chatml-function-calling") as (url, _):
        yield url
