from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader
from hypothesis import settings

from pipeline import embedded
from pipeline.llama import Engine, LlamaModel

# A slow machine is no wrong result.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[Any]) -> None:
    """NumPy's threads are counted where it is imported, which is before a worker is configured."""
    for spec in specs:
        spec.env["OPENBLAS_NUM_THREADS"] = "1"


def pytest_configure() -> None:
    """Two processes that compute with all cores stand in each other's way: a worker of pytest-xdist has one of them."""
    if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


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
