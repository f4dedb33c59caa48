from __future__ import annotations

import mmap
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.assembly import embedded
from pipeline.llama import LlamaModel, huge_pages
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.model import quiet_api
from tests.pipeline.llama.waiting_for import until

WEIGHTS = embedded.weights()
SIZE = WEIGHTS.stat().st_size
MAPPED = quiet_api().llama_model_default_params().load_mode
READ = quiet_api().LLAMA_LOAD_MODE_NONE

ALONE = """
import re, sys
from pathlib import Path
from pipeline.llama import LlamaModel, huge_pages
from pipeline.llama.model import quiet_api

quiet_api().llama_supports_gpu_offload = lambda: False
huge_pages._offered = lambda: sys.argv[2] == "offered"
huge_pages._has_room = lambda path: True
model = LlamaModel(Path(sys.argv[1]))
size = advised = 0
for line in Path("/proc/self/smaps").open("rb"):
    if found := re.match(rb"([0-9a-f]+)-([0-9a-f]+) ", line):
        size = int(found[2], 16) - int(found[1], 16)
    elif line.startswith(b"VmFlags:") and b"hg" in line.split():
        advised += size
print(advised)
"""


def asked_for(offered: str) -> int:
    """Bytes for which a process asks the kernel for huge pages that loads the embedded model, and does nothing else."""
    ran = subprocess.run([sys.executable, "-c", ALONE, WEIGHTS, offered], check=True, stdout=subprocess.PIPE)
    return int(ran.stdout)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_offered", lambda: True)
    monkeypatch.setattr(huge_pages, "_has_room", lambda _path: True)
    monkeypatch.setattr(quiet_api(), "llama_supports_gpu_offload", lambda: False)


def test_they_are_asked_for_the_weights_and_for_little_else() -> None:
    assert SIZE * 0.9 <= asked_for("offered") <= SIZE * 1.3
    assert asked_for("not offered") == 0


def logits(model: LlamaModel) -> npt.NDArray[np.float32]:
    ids = model.tokenise("Huge pages hold the same weights.", False)
    with closing(LlamaDevice(model, cells=256, threads=1)) as device:
        device.decode([Row(token, at, 0, at == len(ids) - 1) for at, token in enumerate(ids)])
        return device.logits(len(ids) - 1).copy()


@pytest.mark.usefixtures("offered")
def test_they_are_the_same_weights_as_in_a_mapped_file(monkeypatch: pytest.MonkeyPatch) -> None:
    there = logits(LlamaModel(WEIGHTS))
    monkeypatch.setattr(huge_pages, "_offered", lambda: False)
    np.testing.assert_array_equal(logits(LlamaModel(WEIGHTS)), there)


@pytest.fixture
def api() -> SimpleNamespace:
    """llama.cpp, which says how it would load a file."""
    real = quiet_api()
    return SimpleNamespace(
        llama_model_default_params=real.llama_model_default_params,
        llama_supports_gpu_offload=lambda: False,
        llama_model_load_from_file=lambda _name, options: f"mode {options.load_mode}",
        llama_progress_callback=real.llama_progress_callback,
        LLAMA_LOAD_MODE_NONE=READ,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of 16 bytes."""
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + bytes(12))
    return file


@pytest.mark.parametrize(("free", "mode"), [(256, READ), (255, MAPPED), (None, MAPPED)])
def test_they_are_mapped_where_they_would_take_more_than_a_sixteenth_of_the_memory(
    api: SimpleNamespace, path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None, mode: int
) -> None:
    monkeypatch.setattr(huge_pages, "_offered", lambda: True)
    monkeypatch.setattr(huge_pages, "free_bytes", lambda: free)
    assert huge_pages.loaded(api, path) == f"mode {mode}"


def test_they_are_mapped_where_the_kernel_has_no_huge_pages(
    api: SimpleNamespace, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "enabled"
    monkeypatch.setattr(huge_pages, "_OFFERED", told)
    monkeypatch.setattr(huge_pages, "free_bytes", lambda: 1 << 30)
    assert huge_pages.loaded(api, path) == f"mode {MAPPED}"  # it says nothing
    told.write_text("always [madvise] never\n")
    assert huge_pages.loaded(api, path) == f"mode {READ}"
    told.write_text("always madvise [never]\n")
    assert huge_pages.loaded(api, path) == f"mode {MAPPED}"


@pytest.mark.usefixtures("offered")
def test_a_gpu_has_memory_of_its_own(api: SimpleNamespace, path: Path) -> None:
    api.llama_supports_gpu_offload = lambda: True
    assert huge_pages.loaded(api, path) == f"mode {MAPPED}"


def test_a_file_in_parts_is_mapped(api: SimpleNamespace, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_offered", lambda: True)
    monkeypatch.setattr(huge_pages, "free_bytes", lambda: 1 << 30)
    assert huge_pages.loaded(api, path) == f"mode {READ}"
    part = path.rename(path.with_name("model-00001-of-00003.gguf"))
    assert huge_pages.loaded(api, part) == f"mode {MAPPED}"


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("fault", ["nobody may look at the memory", "it cannot be allocated"])
def test_they_are_mapped_where_something_is_in_the_way(
    api: SimpleNamespace, path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault.startswith("nobody"):
        monkeypatch.setattr(huge_pages, "_MAPS", Path("/nowhere"))
    else:
        load = api.llama_model_load_from_file
        api.llama_model_load_from_file = lambda name, options: options.load_mode != READ and load(name, options)
    assert huge_pages.loaded(api, path) == f"mode {MAPPED}"


def read_in_steps(api: SimpleNamespace, ended: list[float]) -> None:
    """As llama.cpp does it: it asks at each step whether to go on, until that is denied."""

    def load(_name: bytes, options: Any) -> str | None:
        for step in range(2000):
            if not options.progress_callback(step / 2000, None):
                ended.append(step / 2000)
                return None
            time.sleep(0.005)
        return "loaded"

    api.llama_model_load_from_file = load


@pytest.mark.usefixtures("offered")
def test_nothing_is_asked_for_what_was_there_before(
    api: SimpleNamespace, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = iter(([(1, 2)], [(1, 2), (3, 4)]))
    asked: list[list[tuple[int, int]]] = []
    monkeypatch.setattr(huge_pages, "_allocated", lambda: next(regions))
    monkeypatch.setattr(huge_pages, "_advise", lambda found: asked.append(list(found)))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    read_in_steps(api, [])
    assert huge_pages.loaded(api, path) == "loaded"
    assert asked == [[(3, 4)]]


@pytest.mark.usefixtures("offered")
def test_without_advice_they_are_read_all_the_same(
    api: SimpleNamespace, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_regions: object) -> None:
        raise OSError("no advice")

    monkeypatch.setattr(huge_pages, "_advise", broken)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    read_in_steps(api, [])
    assert huge_pages.loaded(api, path) == "loaded"


@pytest.fixture
def interrupted(offered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While llama.cpp is at work, the main thread is, as by Ctrl-C, which what runs in the background ignores."""
    main = threading.main_thread().ident
    assert main is not None
    monkeypatch.setattr(huge_pages, "_advise", lambda _regions: signal.pthread_kill(main, signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_ends_the_loading(api: SimpleNamespace, path: Path) -> None:
    ended: list[float] = []
    read_in_steps(api, ended)
    with pytest.raises(KeyboardInterrupt):
        huge_pages.loaded(api, path)
    until(lambda: len(ended) == 1)


@pytest.mark.usefixtures("interrupted")
def test_what_has_just_been_loaded_when_an_interrupt_comes_is_freed(api: SimpleNamespace, path: Path) -> None:
    freed: list[str] = []

    def loads(_name: bytes, options: Any) -> str:
        options.progress_callback(0.0, None)
        time.sleep(0.2)
        return "loaded"

    api.llama_model_load_from_file, api.llama_model_free = loads, freed.append
    with pytest.raises(KeyboardInterrupt):
        huge_pages.loaded(api, path)
    until(lambda: freed == ["loaded"])


@pytest.mark.usefixtures("interrupted")
def test_real_weights_are_no_model_after_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        LlamaModel(WEIGHTS)


def advised(address: int) -> bool:
    """Whether the kernel has been asked for huge pages at this address."""
    inside = False
    for line in Path("/proc/self/smaps").read_bytes().split(b"\n"):
        if found := re.match(rb"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(found[1], 16) <= address < int(found[2], 16)
        elif inside and line.startswith(b"VmFlags:"):
            return b"hg" in line.split()
    raise AssertionError(f"{address:x} is nobody's")


def test_what_is_allocated_is_found_and_asked_for() -> None:
    memory = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    middle = np.frombuffer(memory, np.uint8).ctypes.data + (32 << 20)
    [region] = [(start, end) for start, end in huge_pages._allocated() if start <= middle < end]
    assert not advised(middle)
    huge_pages._advise([region])
    assert advised(middle)


def test_files_of_any_name_may_be_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names are bytes, and the kernel writes them as they are."""
    maps = tmp_path / "maps"
    monkeypatch.setattr(huge_pages, "_MAPS", maps)
    maps.write_bytes(
        b"7f0000000000-7f0002000000 r--s 00000000 fe:00 41  /tmp/\xff \r odd\xe2\x80\xa8name.gguf (deleted)\n"
        b"7f1000000000-7f1002000000 rw-p 00000000 00:00 0 \n"
        b"7f2000000000-7f2000800000 rw-p 00000000 00:00 0 \n"
        b"7f3000000000-7f3002000000 rw-p 00000000 00:00 0                          [heap]\n"
    )
    assert list(huge_pages._allocated()) == [(0x7F1000000000, 0x7F1002000000)]
