"""Products of matrices that read faster than llama.cpp's, put in their place: `q8_0.c` says how, `attach.c` where.

They are compiled with the project (`hatch_build.py`), for Linux on x86-64, and used where the processor has AVX-512
with VNNI. Elsewhere, and where no compiler was to be had, llama.cpp's own serve.
"""

from __future__ import annotations

import ctypes
import logging
from functools import cache
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).with_name("libproducts.so")

_KNOWN = frozenset({("0.3.36", "0.25.3")})
"""Versions of llama-cpp-python and ggml whose function takes what ours take. It is none that ggml promises to keep, so
each is looked at."""

_log = logging.getLogger("superego")


def attach(api: Any, *, alone: bool) -> bool:
    """Whether llama.cpp multiplies by ours from now on. `alone` says that nobody else can be at work with it."""
    why = _hindered(api, alone)
    if why:
        _log.info("llama.cpp multiplies by its own means, which may be slower: %s", why)
    return not why


def _hindered(api: Any, alone: bool) -> str:
    """Why ours are not in place. Empty where they are, now."""
    library = _library()
    if library is None:
        return f"there is no {LIBRARY.name} here, or an old one; it is compiled when superego is installed"
    if not library.superego_has_vnni():
        return "ours need AVX-512 with VNNI"
    if not alone:
        return "it was imported before, and may be at work in another thread"
    try:
        loaded = api.llama_cpp._lib
        ggml = ctypes.CFUNCTYPE(ctypes.c_char_p)(("ggml_version", loaded))().decode()
        versions = api.__version__, ggml
    except AttributeError:
        return "its version is not known"
    if versions not in _KNOWN:
        return f"this is llama-cpp-python {versions[0]} with ggml {versions[1]}, and what they take is not known"
    attached = library.superego_attach(ctypes.c_void_p(loaded._handle))
    return "" if attached else "it was built so that its own cannot be replaced"


def attached() -> bool:
    """Whether ours are in llama.cpp's place."""
    library = _library()
    return library is not None and bool(library.superego_attached())


def use(ours: bool) -> None:
    """Ours from now on, once attached, or llama.cpp's own, to measure against. Nobody may be at work with it."""
    library = _library()
    if library is not None:
        library.superego_use(ours)


@cache
def _library() -> Any:
    """None where it was not compiled, or so long ago that it lacks a function."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        for asks in (library.superego_has_vnni, library.superego_attach, library.superego_attached):
            asks.restype = ctypes.c_bool
        library.superego_attach.argtypes = [ctypes.c_void_p]
        library.superego_use.argtypes = [ctypes.c_bool]
    except (OSError, AttributeError):
        return None
    return library
