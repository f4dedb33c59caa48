"""Weights in pages of two megabytes, where Linux has them (https://docs.kernel.org/admin-guide/mm/transhuge.html).

To write a token, all weights are read once. In pages of four kilobytes the processor looks up tens of thousands of
addresses for that, and fetches nothing ahead across the end of one: docs/performance.md. llama.cpp maps the file, where
the kernel chooses the pages, or allocates memory and asks for nothing. So they are asked for here, between allocating
and filling.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.machine.memory import free_bytes

_MADV_HUGEPAGE = 14

_SHARE = 16
"""Weights are put there that take at most this part of the free memory: other processes do not share them, as they
would a mapped file, and may be loading them at the same time."""

_LARGE = 16 << 20
"""Bytes: less is somebody else's, a thread's stack for one."""

_OFFERED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPS = Path("/proc/self/maps")
_PART = re.compile(r"-\d{5}-of-\d{5}$")

Region = tuple[int, int]
"""Where memory begins and ends."""


def loaded(api: Any, path: Path) -> Any:
    """llama.cpp's handle of a model, null where it cannot load the file: in huge pages where they are to be had and the
    machine has room, else mapped."""
    wanted = not api.llama_supports_gpu_offload() and _offered() and _has_room(path)
    found = _in_huge_pages(api, path) if wanted else None
    return found or api.llama_model_load_from_file(os.fsencode(path), api.llama_model_default_params())


def _in_huge_pages(api: Any, path: Path) -> Any:
    """Null where that cannot be done."""
    try:
        before = frozenset(_allocated())
    except OSError:
        return None
    unwanted = threading.Event()

    def called(progress: float, _: object) -> bool:
        if not progress:  # all is allocated by now, and nothing filled
            with suppress(Exception):  # without advice it is loaded all the same
                _advise(region for region in _allocated() if region not in before)
        return not unwanted.is_set()

    options = api.llama_model_default_params()
    options.load_mode = api.LLAMA_LOAD_MODE_NONE
    options.progress_callback = api.llama_progress_callback(called)

    def load() -> Any:
        handle = api.llama_model_load_from_file(os.fsencode(path), options)
        if handle and unwanted.is_set():  # too late to be told
            api.llama_model_free(handle)
        return handle

    with ThreadPoolExecutor(1, "weights") as thread:  # where no interrupt comes: it would be lost on its way through C
        try:
            return thread.submit(load).result()
        except BaseException:
            unwanted.set()
            raise


def _offered() -> bool:
    try:
        return "[never]" not in _OFFERED.read_text()
    except OSError:  # not on Linux, or not told
        return False


def _has_room(path: Path) -> bool:
    """Not for a file in parts, whose other sizes are not known here."""
    free = free_bytes()
    return not _PART.search(path.stem) and free is not None and path.stat().st_size * _SHARE <= free


def _allocated() -> Iterator[Region]:
    """Large memory that belongs to no file. What has grown, or was joined to its neighbour, is another region."""
    with _MAPS.open("rb") as lines:
        for line in lines:
            where, permissions, _offset, _device, inode, *name = line.split(maxsplit=5)
            start, end = (int(part, 16) for part in where.split(b"-"))
            if permissions == b"rw-p" and inode == b"0" and not name and end - start >= _LARGE:
                yield start, end


def _advise(regions: Iterable[Region]) -> None:
    libc = ctypes.CDLL(None)
    for start, end in regions:  # a refusal changes nothing
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_HUGEPAGE)
