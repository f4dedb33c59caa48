from __future__ import annotations

import mmap
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from pipeline import embedded
from pipeline.llama import LlamaModel, huge_pages
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.model import quiet_api

OFFERED = huge_pages._OFFERED
USED = "[never]" not in OFFERED.read_text() and not quiet_api().llama_supports_gpu_offload()
WEIGHTS = embedded.weights()


ALONE = """
import re, sys
from pathlib import Path
from pipeline.llama import LlamaModel, huge_pages

def huge_kilobytes():
    return int(re.search(r"AnonHugePages: +(\\d+) kB", Path("/proc/self/smaps_rollup").read_text())[1])

huge_pages._OFFERED = Path(sys.argv[2])
before = huge_kilobytes()
model = LlamaModel(Path(sys.argv[1]))
print(1024 * (huge_kilobytes() - before))
"""


def in_huge_pages(offered: Path = OFFERED) -> int:
    """Bytes that the embedded model takes in huge pages, in a process where nobody else takes or gives any."""
    ran = subprocess.run([sys.executable, "-c", ALONE, WEIGHTS, offered], check=True, stdout=subprocess.PIPE)
    return int(ran.stdout)


def advised(address: int) -> bool:
    """Whether the kernel has been asked for huge pages at this address."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(found[1], 16) <= address < int(found[2], 16)
        elif inside and line.startswith("VmFlags:"):
            return "hg" in line.split()
    raise AssertionError(f"{address:x} is nobody's")


def logits(model: LlamaModel) -> npt.NDArray[np.float32]:
    ids = model.tokenise("Huge pages hold the same weights.", False)
    with closing(LlamaDevice(model, cells=256, threads=1)) as device:
        device.decode([Row(token, at, 0, at == len(ids) - 1) for at, token in enumerate(ids)])
        return device.logits(len(ids) - 1).copy()


def test_weights_lie_in_huge_pages() -> None:
    size = WEIGHTS.stat().st_size
    assert in_huge_pages() > 0.8 * size if USED else in_huge_pages() < size / 8
    assert in_huge_pages(offered=Path("/nowhere")) < size / 8


def test_they_are_the_same_weights_as_in_a_mapped_file(monkeypatch: pytest.MonkeyPatch) -> None:
    there = logits(LlamaModel(WEIGHTS))
    monkeypatch.setattr(huge_pages, "_OFFERED", Path("/nowhere"))
    np.testing.assert_array_equal(logits(LlamaModel(WEIGHTS)), there)


@pytest.fixture
def told(tmp_path: Path) -> tuple[SimpleNamespace, Path]:
    """llama.cpp, which shows the options that it is given, and a file of 16 bytes."""
    api = quiet_api()
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(12))
    return (
        SimpleNamespace(
            llama_model_default_params=api.llama_model_default_params,
            llama_supports_gpu_offload=lambda: False,
            llama_model_load_from_file=lambda _name, options: options.load_mode,
            llama_progress_callback=api.llama_progress_callback,
            LLAMA_LOAD_MODE_NONE=api.LLAMA_LOAD_MODE_NONE,
        ),
        path,
    )


MAPPED = quiet_api().llama_model_default_params().load_mode
READ = quiet_api().LLAMA_LOAD_MODE_NONE


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "enabled"
    path.write_text("always [madvise] never\n")
    monkeypatch.setattr(huge_pages, "_OFFERED", path)
    return path


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(("free", "mode"), [(256, READ), (255, MAPPED), (None, MAPPED)])
def test_they_are_mapped_where_they_would_take_more_than_a_sixteenth_of_the_memory(
    told: tuple[SimpleNamespace, Path], monkeypatch: pytest.MonkeyPatch, free: int | None, mode: int
) -> None:
    monkeypatch.setattr(huge_pages, "free_bytes", lambda: free)
    assert huge_pages.loaded(*told) == mode


def test_they_are_mapped_where_the_kernel_has_no_huge_pages(told: tuple[SimpleNamespace, Path], offered: Path) -> None:
    assert huge_pages.loaded(*told) == READ
    offered.write_text("always madvise [never]\n")
    assert huge_pages.loaded(*told) == MAPPED


@pytest.mark.usefixtures("offered")
def test_a_gpu_has_memory_of_its_own(told: tuple[SimpleNamespace, Path]) -> None:
    api, path = told
    api.llama_supports_gpu_offload = lambda: True
    assert huge_pages.loaded(api, path) == MAPPED


@pytest.mark.usefixtures("offered")
def test_a_file_in_parts_is_mapped(told: tuple[SimpleNamespace, Path]) -> None:
    api, path = told
    part = path.rename(path.with_name("model-00001-of-00003.gguf"))
    assert huge_pages.loaded(api, part) == MAPPED


def test_what_is_allocated_is_found_and_asked_for() -> None:
    memory = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    middle = np.frombuffer(memory, np.uint8).ctypes.data + (32 << 20)
    [region] = [(start, end) for start, end in huge_pages._anonymous() if start <= middle < end]
    assert not advised(middle)
    huge_pages._advise([region])
    assert advised(middle)


def test_an_interrupt_ends_the_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def interrupted() -> list[tuple[int, int]]:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(huge_pages, "_offered", lambda: True)
    monkeypatch.setattr(huge_pages, "_anonymous", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LlamaModel(WEIGHTS)
