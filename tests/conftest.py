from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipeline import embedded
from pipeline.llama import Engine, LlamaModel

# A slow machine is no wrong result.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

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


@pytest.fixture(scope="session")
def read_once() -> Iterator[None]:
    """Weights for torch, of which every training has a copy: transformers takes some ten seconds to read a GGUF."""
    from pipeline.training import adapted  # torch, which takes seconds

    read: Any = cache(adapted.loaded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapted, "loaded", lambda *asked: copy.deepcopy(read(*asked)))
        yield
