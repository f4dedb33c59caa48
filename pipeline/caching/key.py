"""What tells one question from another."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

FORMAT = 6
"""Counted up where what is kept, or how it comes about, changes: then nothing old is found."""


def key_of(*facts: Any) -> bytes:
    """A digest of facts that JSON can hold."""
    told = json.dumps([FORMAT, *facts], sort_keys=True, separators=(",", ":"))
    return blake2b(told.encode(), digest_size=20).digest()
