from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import embedded
from pipeline.llama import Engine, LlamaModel

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def model() -> LlamaModel:
    """The embedded model."""
    return LlamaModel(embedded.weights())


@pytest.fixture(scope="session")
def engine(model: LlamaModel) -> Iterator[Engine]:
    """An engine over the embedded model, with room for 2,048 tokens in a request."""
    engine = Engine(model, context=2048)
    yield engine
    engine.close()
