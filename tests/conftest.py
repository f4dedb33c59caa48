from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader
from hypothesis import settings
from xdist import is_xdist_controller

from pipeline.assembly import embedded
from pipeline.llama import Engine, LlamaModel
from pipeline.llama.model import quiet_api

pytest_plugins = ["tests.workers"]

# A slow machine is no wrong result.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Load llama.cpp before a test does, which would leave it to multiply by its own means; and once a worker has its
    core: OpenMP counts cores when it is loaded, and where there are enough, threads spin as they wait for each other.
    """
    if not is_xdist_controller(session):
        quiet_api()


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
    """An engine over the embedded model, with room for 2,048 tokens in a request. It has two threads, as on most
    machines, though a worker has one core."""
    engine = Engine(model, context=2048, threads=2)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def read_once() -> Iterator[None]:
    """Weights for torch, of which every training has a copy: transformers takes some ten seconds to read a GGUF."""
    import torch  # which takes seconds

    from pipeline.training import adapted

    read: Any = cache(adapted.loaded)

    def loaded(weights: Path, precision: torch.dtype) -> Any:
        model = copy.deepcopy(read(weights, torch.float32))
        for parameter in model.parameters():  # its buffers are exact in either precision
            parameter.data = parameter.data.to(precision)
        model.config.dtype = precision
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapted, "loaded", loaded)
        yield


@pytest.fixture(scope="session")
def parsed_once() -> Iterator[None]:
    """Weights for a steer: their vocabulary, which it has no use for, takes gguf some two seconds to unpack."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.identity.steer.weights.GGUFReader", cache(GGUFReader))
        yield
