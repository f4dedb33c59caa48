"""Which weights a file holds, told quickly for a file of any size."""

from __future__ import annotations

import hashlib
from pathlib import Path

_MIB = 1 << 20


def fingerprint(path: Path) -> str:
    """SHA-256, in hex, over the file's size and its first and last MiB. Empty for a file that is not there."""
    if not path.is_file():
        return ""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_MIB))
        file.seek(max(0, size - _MIB))
        digest.update(file.read(_MIB))
    return digest.hexdigest()
