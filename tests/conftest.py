from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import embedded
from pipeline.llama import LlamaContext

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def model() -> LlamaContext:
    """The embedded model with room for 2,048 tokens."""
    return LlamaContext(embedded.weights(), context=2048)
