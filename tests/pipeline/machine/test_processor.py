"""Which processor this is."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from pipeline.machine.processor import processor

SAID = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\nmodel name\t: Another\n"


def test_its_name_is_linuxs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: SAID)
    assert processor() == "Intel(R) Xeon(R) Processor"


def test_where_there_is_none_its_kind_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on ARM, and on other systems."""

    def missing(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", lambda _: "processor : 0\nFeatures : fp asimd\n")
    assert processor() == platform.machine()
    monkeypatch.setattr(Path, "read_text", missing)
    assert processor() == platform.machine()
