"""Products of matrices by ours, alone and in llama.cpp's place."""

from __future__ import annotations

import ctypes
import logging
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.llama import LlamaModel, products
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.worker import worker
from pipeline.llama.model import quiet_api
from pipeline.llama.products import LIBRARY, attach, attached, use

BLOCK = np.dtype([("scale", np.float16), ("numbers", np.int8, 32)])
LINUX = sys.platform == "linux" and platform.machine() == "x86_64"
HERE = LINUX and "avx512_vnni" in Path("/proc/cpuinfo").read_text()
vnni = pytest.mark.skipif(not HERE, reason="ours need AVX-512 with VNNI, and Linux")


def blocks(rows: int, depth: int, seed: int) -> npt.NDArray[Any]:
    """Of all numbers that a byte holds: those of llama.cpp's own making have no -128, a file may."""
    random = np.random.default_rng(seed)
    made = np.zeros((rows, depth), BLOCK)
    made["scale"] = random.normal(size=(rows, depth))
    made["numbers"] = random.integers(-128, 128, (rows, depth, 32))
    return made


def product(a: npt.NDArray[Any], b: npt.NDArray[Any], threads: int = 1) -> npt.NDArray[np.float32]:
    """A row for each of `b`, of one number for each of `a`, with room beside it that nobody may touch."""
    library = ctypes.CDLL(str(LIBRARY))
    size, address = ctypes.c_int64, ctypes.c_void_p
    library.superego_q8_0.argtypes = [address, size, size, size, address, size, address, size, address, size]
    made = np.full((len(b), len(a) + 3), np.nan, np.float32)
    strides = [each.strides[0] // BLOCK.itemsize for each in (a, b)]
    for number in range(threads):
        thread = (ctypes.c_int * 2)(number, threads)
        sides = (a.ctypes.data, strides[0], b.ctypes.data, strides[1], made.ctypes.data, made.shape[1])
        library.superego_q8_0(thread, len(a), len(b), a.shape[1], *sides)
    assert np.isnan(made[:, len(a) :]).all()
    return made[:, : len(a)]


def exactly(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    wide = [(each["scale"].astype(np.float64)[..., None] * each["numbers"]).reshape(len(each), -1) for each in (a, b)]
    return np.asarray(wide[1] @ wide[0].T)


@vnni
@given(
    m=st.integers(1, 70), n=st.integers(1, 20), k=st.integers(1, 40), threads=st.integers(1, 5), seed=st.integers(0, 99)
)
@example(m=16, n=257, k=19, threads=2, seed=0)  # more columns, and more blocks, than are taken at a time
@example(m=33, n=128, k=37, threads=3, seed=0)
def test_it_is_the_product(m: int, n: int, k: int, threads: int, seed: int) -> None:
    """Within what floats of 32 bits round, however the rows are shared out."""
    a, b = blocks(m, k + 2, seed)[:, 1:-1], blocks(n, k + 1, seed + 100)[:, :-1]  # parts of wider ones
    rough = np.abs(a["scale"].astype(float)) @ np.abs(b["scale"].astype(float)).T * 32 * 128**2
    assert (np.abs(product(a, b, threads).T - exactly(a, b).T) <= rough * 1e-6).all()


@vnni
def test_an_element_is_the_same_whatever_is_worked_out_beside_it() -> None:
    """Columns, rows and threads do not matter: so a batch of any size rounds its products alike."""
    a, b = blocks(50, 48, 1), blocks(300, 48, 2)
    whole = product(a, b)
    for n in (1, 2, 7, 8, 9, 64, 200):
        assert (product(a, b[:n], threads=3) == whole[:n]).all()
    assert (product(a[:5], b) == whole[:, :5]).all()


def test_where_the_processor_can_it_is_they_who_multiply(model: LlamaModel) -> None:
    """A prompt's logits are nearly llama.cpp's own, and not the same: so both were at work. It was compiled where the
    project was installed."""
    ids = model.tokenise("The ferry left at seven, when the harbour was still grey.", False)
    device = worker.run(lambda: LlamaDevice(model, cells=64, threads=2))

    def logits() -> npt.NDArray[np.float32]:
        device.clear()
        device.decode([Row(token, at, 0, at == len(ids) - 1) for at, token in enumerate(ids)])
        return np.log(device.probabilities(len(ids) - 1))

    ours = worker.run(logits)
    use(False)
    try:
        assert not attached()
        theirs = worker.run(logits)
    finally:
        use(True)
    again = worker.run(logits)
    worker.run(device.close)
    assert (ours == again).all()
    assert np.abs(np.exp(ours) - np.exp(theirs)).max() < 0.02
    assert (ours != theirs).any() == HERE


def test_the_version_that_is_pinned_was_looked_at() -> None:
    """Or ours would be left out everywhere, and nobody would notice."""
    assert version("llama-cpp-python") in {package for package, _ggml in products._KNOWN}


@vnni
def test_another_llama_cpp_multiplies_by_its_own_means(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its function may take other things. The log tells."""
    monkeypatch.setattr(products, "_KNOWN", frozenset())
    with caplog.at_level(logging.INFO, "superego"):
        assert not attach(quiet_api(), alone=True)
    assert re.search(r"llama-cpp-python [\d.]+ with ggml [\d.]+, and what they take is not known", caplog.text)


@vnni
def test_and_one_that_has_no_versions(caplog: pytest.LogCaptureFixture) -> None:
    """As a later one may be."""
    with caplog.at_level(logging.INFO, "superego"):
        assert not attach(object(), alone=True)
    assert "its version is not known" in caplog.text


@pytest.mark.parametrize(
    "code",
    [
        None,
        pytest.param(
            "bool superego_has_vnni(void) { return true; }",
            marks=pytest.mark.skipif(not shutil.which("cc"), reason="an old one has to be compiled"),
        ),
    ],
)
def test_without_a_compiler_or_after_an_update_llama_cpp_does(
    code: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no library, or one of other sources, nothing breaks."""
    if code:
        (tmp_path / "old.c").write_text(f"#include <stdbool.h>\n{code}\n")
        subprocess.run(["cc", "-shared", "-o", "libproducts.so", "old.c"], cwd=tmp_path, check=True)
    monkeypatch.setattr(products, "LIBRARY", tmp_path / "libproducts.so")
    monkeypatch.setattr(products, "_library", products._library.__wrapped__)
    with caplog.at_level(logging.INFO, "superego"):
        assert not attach(quiet_api(), alone=True)
    assert "it is compiled when superego is installed" in caplog.text
    use(False)
    assert not attached()


@vnni
@pytest.mark.parametrize(
    ("first", "done"), [("pipeline.llama", True), ("llama_cpp", True), ("llama_cpp, threading", False)]
)
def test_who_may_be_at_work_is_not_disturbed(first: str, done: bool) -> None:
    """Two threads at one product would share it out in two ways. So where others imported llama.cpp before, it is left
    alone, unless there is no other thread that could be at work."""
    script = f"""
import {first}
if "threading" in {first!r}:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
import logging
logging.basicConfig(level="INFO", format="%(message)s")
from pipeline.llama import model
attach = model.attach
model.attach = lambda *given, **named: print(attach(*given, **named))
model.quiet_api()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.strip() == str(done)
    assert ("may be at work in another thread" in ran.stderr) == (not done)


@vnni
def test_many_who_come_first_attach_once() -> None:
    """None takes another for somebody who may be at work."""
    script = """
import threading, time
from pipeline.llama import model
attach = model.attach
def slowly(*given, **named):
    time.sleep(0.2)
    print(attach(*given, **named))
model.attach = slowly
threads = [threading.Thread(target=model.quiet_api) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.split() == ["True"]


def test_the_note_of_what_reads_faster_says_whose_products_it_is_of(tmp_path: Path) -> None:
    """Also where a process asks that first, before anything else of llama.cpp."""
    script = f"""
from pathlib import Path
from pipeline.assembly import embedded
from pipeline.llama.optimise import first_use
first_use.requantised = lambda path, *_, **__: path
first_use._gain = lambda before, after: 1.0
first_use.faster_form(embedded.weights(), Path({str(tmp_path)!r}))
"""
    subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, check=True)
    (note,) = tmp_path.iterdir()
    assert note.name.endswith("-by-ours.json") == HERE
