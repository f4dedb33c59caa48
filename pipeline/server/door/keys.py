"""Bearer keys. Only their hashes are kept.

A key is 32 random bytes, so there is nothing to guess and no dictionary to try: one SHA-256 is as good as a slow hash
for it, and does not cost a tenth of a second at each request. A slow hash is for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "sk-ego-"


@dataclass(frozen=True)
class Key:
    """A key by the hash of it. `models` are the manifestos that it is for; none means all."""

    name: str
    sha256: str
    models: frozenset[str] = frozenset()

    def may_use(self, model: str) -> bool:
        return not self.models or model in self.models


ANYBODY = Key("anybody", "")
"""Who asks where no keys are set."""


def new_key() -> tuple[str, str]:
    """A fresh key and its hash."""
    key = PREFIX + secrets.token_urlsafe(32)
    return key, hashed(key)


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def known(given: str, keys: Iterable[Key]) -> Key | None:
    """The key that was given, if it is one of `keys`. Takes as long whichever it is, and if it is none."""
    digest, found = hashed(given), None
    for key in keys:
        if hmac.compare_digest(digest, key.sha256.lower()):
            found = key
    return found
