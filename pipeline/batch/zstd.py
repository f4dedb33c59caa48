"""The one door to the package that packs `.zst`; Python 3.14 has it in its own library."""

from __future__ import annotations

import importlib
import sys
from typing import IO, Any, cast

from critics import ExtraMissing

_NAME = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def zstd_file(file: IO[bytes], mode: str) -> IO[bytes]:
    """A stream that packs into `file`, or unpacks from it. Raises `ExtraMissing`."""
    return cast(IO[bytes], _package().ZstdFile(file, mode))


def zstd_needed() -> None:
    """Raise `ExtraMissing` now rather than after a night."""
    _package()


def is_zstd_error(exc: Exception) -> bool:
    """Whether it says that what was to be unpacked is damaged."""
    return type(exc).__name__ == "ZstdError"


def _package() -> Any:
    try:
        return importlib.import_module(_NAME)
    except ImportError as exc:
        raise ExtraMissing(".zst", "batch", kind="file") from exc
