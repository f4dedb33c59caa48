from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.assembly import embedded
from pipeline.llama import requantised
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row


@pytest.fixture(scope="session")
def four_bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model as `iq4_nl`, which takes some ten seconds to make."""
    return requantised(embedded.weights(), "iq4_nl", tmp_path_factory.mktemp("four_bits"))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Row, ...]]:
    """What llama.cpp is given to read from now on, batch by batch."""
    batches: list[tuple[Row, ...]] = []
    decode = LlamaDevice.decode

    def noted(self: LlamaDevice, rows: Sequence[Row]) -> None:
        batches.append(tuple(rows))
        decode(self, rows)

    monkeypatch.setattr(LlamaDevice, "decode", noted)
    return batches


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[LlamaDevice]:
    """The contexts that are freed from now on."""
    devices: list[LlamaDevice] = []
    close = LlamaDevice.close

    def noted(self: LlamaDevice) -> None:
        devices.append(self)
        close(self)

    monkeypatch.setattr(LlamaDevice, "close", noted)
    return devices
