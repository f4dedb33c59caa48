"""What an identity says of itself: of which words it was made, and for which weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from critics import Manifesto
from pipeline.identity.preprompt import preprompt

Kind = Literal["state", "steer", "lora"]
"""The forms that are kept in a file."""

_KIND = "superego.identity"
_MANIFESTO = "superego.manifesto"
_HASH = "superego.manifesto_hash"
_WORDS = "superego.words"
_ALSO = "superego.also"


@dataclass(frozen=True)
class Made:
    """`words` is the hash of what the manifesto tells a generator: an identity is stale when that has changed, and is
    not when a threshold has. `also` is what was added to it since, a line each."""

    kind: Kind
    manifesto: str
    manifesto_hash: str
    words: str
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: Kind, manifesto: Manifesto, *, also: tuple[str, ...] = ()) -> Self:
        return cls(kind, manifesto.name, manifesto.hash, words_of(manifesto), also)

    @classmethod
    def read(cls, told: Callable[[str], str]) -> Self | None:
        """From a file's metadata; `told` gives the text under a key, or none. `None` for what is no identity."""
        kind = told(_KIND)
        if kind not in get_args(Kind):
            return None
        also = tuple(line for line in told(_ALSO).splitlines() if line)
        return cls(kind, told(_MANIFESTO), told(_HASH), told(_WORDS), also)  # type: ignore[arg-type]  # it is one of them

    def metadata(self) -> Mapping[str, str]:
        """For a file."""
        return {
            _KIND: self.kind,
            _MANIFESTO: self.manifesto,
            _HASH: self.manifesto_hash,
            _WORDS: self.words,
            _ALSO: "\n".join(self.also),
        }

    def stale(self, manifesto: Manifesto) -> bool:
        """Whether the manifesto tells a generator other words by now."""
        return self.words != words_of(manifesto)


def words_of(manifesto: Manifesto) -> str:
    """SHA-256, in hex, over what the manifesto tells a generator."""
    return hashlib.sha256(preprompt(manifesto).content.encode()).hexdigest()


def rejected_folder(folder: Path) -> Path:
    """Where an adapter goes as PEFT keeps it that is not to be used in `folder`."""
    return Path(f"{os.path.abspath(folder)}.rejected")
