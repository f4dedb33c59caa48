"""Which texts are nearly the same, so that nothing is tested on what it was trained on."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from critics import WORD_LETTERS

_WORDS = re.compile(rf"[{WORD_LETTERS}]|[^\W{WORD_LETTERS}]+")
_SHINGLE = 3
_BANDS, _ROWS = 16, 4
"""Texts whose shingles are to 80 % the same share a band with a probability of 99.98 %, to 40 % with 34 %."""
_PRIME = (1 << 31) - 1


def near_duplicates(prompts: Sequence[str], texts: Sequence[str]) -> list[int]:
    """A group's number for each row: rows with one prompt (empty ones aside), or with nearly the same text, share it.

    By MinHash over runs of three words, in bands (Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3).
    Of Chinese and Japanese each letter counts as a word, and where there is none, as in emoji, whatever spaces part.
    """
    parents = list(range(len(texts)))
    first: dict[object, int] = {}
    for index, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        words = _words(prompt)
        keys: list[object] = [" ".join(words)] if words else []
        keys += [(band, mins) for band, mins in enumerate(_signature(text))]
        for key in keys:
            _join(parents, index, first.setdefault(key, index))
    return [_root(parents, index) for index in range(len(texts))]


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower()) or text.split()


def _signature(text: str) -> list[bytes]:
    words = _words(text)
    if not words:
        return []
    shingles = {" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))}
    hashes = np.array([zlib.crc32(shingle.encode("utf-8", "replace")) for shingle in shingles], dtype=np.uint64)
    mins = ((_FACTORS[:, None] * (hashes % _PRIME)[None, :] + _SHIFTS[:, None]) % _PRIME).min(axis=1)
    return [band.tobytes() for band in mins.reshape(_BANDS, _ROWS)]


def _join(parents: list[int], one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _drawn(low: int) -> NDArray[np.uint64]:
    return np.random.default_rng(low).integers(1, _PRIME, _BANDS * _ROWS, dtype=np.uint64)


_FACTORS, _SHIFTS = _drawn(1), _drawn(2)
