"""Weights in pages of two megabytes, where Linux has them (https://docs.kernel.org/admin-guide/mm/transhuge.html).

To write a token, all weights are read once. In pages of four kilobytes the processor looks up tens of thousands of
addresses for that, and fetches nothing ahead across the end of one: docs/performance.md. llama.cpp maps the file, whose
pages are the kernel's affair, or allocates memory and asks for nothing. So they are asked for here, between allocating
and filling.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.llama.memory import free_bytes

_MADV_HUGEPAGE = 14

_SHARE = 16
"""Weights are put there that take at most this part of the free memory: other processes do not share them, as they
would a mapped file, and may be loading them at the same time."""

_OFFERED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPS = Path("/proc/self/maps")
_PART = re.compile(r"-\d{5}-of-\d{5}$")


def loaded(api: Any, path: Path) -> Any:
    """llama.cpp's handle of a model, null where it cannot load the file: in huge pages where they are to be had and the
    machine has room, else mapped."""
    options = api.llama_model_default_params()
    name = os.fsencode(path)
    if api.llama_supports_gpu_offload() or not _offered() or not _has_room(path):
        return api.llama_model_load_from_file(name, options)
    advice = _Advice(api)
    options.load_mode = api.LLAMA_LOAD_MODE_NONE
    options.progress_callback = advice.callback
    handle = api.llama_model_load_from_file(name, options)
    if advice.error:
        api.llama_model_free(handle)
        raise advice.error
    return handle


def _offered() -> bool:
    try:
        return "[never]" not in _OFFERED.read_text()
    except OSError:  # not on Linux
        return False


def _has_room(path: Path) -> bool:
    """Not for a file in parts, whose other sizes are not known here."""
    free = free_bytes()
    return not _PART.search(path.stem) and free is not None and path.stat().st_size * _SHARE <= free


class _Advice:
    """Asks for huge pages for what has been allocated since it was made. `callback` tells llama.cpp to go on."""

    def __init__(self, api: Any) -> None:
        self.error: BaseException | None = None
        self.callback = api.llama_progress_callback(self._called)
        self._before = frozenset(_anonymous())

    def _called(self, progress: float, _: object) -> bool:
        try:
            if not progress:  # all is allocated by now, and nothing filled
                _advise(region for region in _anonymous() if region not in self._before)
        except BaseException as exc:  # noqa: BLE001  # from C it would lead nowhere, an interrupt either
            self.error = exc
        return self.error is None


def _anonymous() -> Iterator[tuple[int, int]]:
    """Memory that belongs to no file: where it begins and ends."""
    for line in _MAPS.read_text().splitlines():
        where, permissions, _offset, _device, inode, *name = line.split(maxsplit=5)
        if permissions == "rw-p" and inode == "0" and not name:
            start, end = where.split("-")
            yield int(start, 16), int(end, 16)


def _advise(regions: Iterable[tuple[int, int]]) -> None:
    libc = ctypes.CDLL(None)
    for start, end in regions:  # a refusal changes nothing
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_HUGEPAGE)
