"""The door to Presidio: its recognisers, made once, and none of what comes with them.

No analyser engine and no spaCy pipeline: a blank pipeline would only split the text into tokens, which no
pattern needs. Nothing here is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from critics.errors import CriticsError, ExtraMissing
from critics.manifesto.schema import Entity
from critics.personal_data.domains import email_recogniser, url_recogniser
from critics.personal_data.kinds import KINDS

NAME = "personal-data"

_SAMPLE = "jane@example.com www.example.com +1 415 555 2671"
_lock = threading.Lock()


class Result(Protocol):
    """Where a recogniser found something, and how sure it is, from 0 to 1."""

    start: int
    end: int
    score: float


class Recogniser(Protocol):
    """What is used of a recogniser of Presidio's. `context`: words that make a find surer."""

    context: Iterable[str]
    supported_entities: list[str]

    def analyze(self, text: str, entities: list[str]) -> Iterable[Result]: ...


class _Parts(NamedTuple):
    recognisers: Any
    regions: frozenset[str]


def unknown_regions(regions: Collection[str]) -> frozenset[str]:
    """Those that no phone number has: `UK`, which is `GB`. None, where the extra is not installed to tell."""
    try:
        return frozenset(regions) - _regions()
    except ImportError:
        return frozenset()


def recognisers(entities: Collection[Entity], regions: Collection[str]) -> Mapping[Entity, Recogniser]:
    """A recogniser for each kind, the same ones every time.

    Raises `ExtraMissing` without Presidio, and `CriticsError` for a region that no phone number has.
    """
    with _lock:  # two threads would otherwise both build
        return _built(tuple(sorted(set(entities))), tuple(sorted(set(regions))))


@lru_cache(maxsize=32)
def _built(entities: tuple[Entity, ...], regions: tuple[str, ...]) -> Mapping[Entity, Recogniser]:
    parts = _imported()
    unknown = set(regions) - parts.regions
    if unknown:  # it would match nothing, and say nothing: `UK` for `GB`
        raise CriticsError(f"no phone number has the region {', '.join(sorted(unknown))}; regions are ISO 3166 codes")
    return MappingProxyType({entity: _ready(_made(parts.recognisers, entity, regions)) for entity in entities})


def needed() -> None:
    """Raise `ExtraMissing` now, rather than leave every text undecided. Only looks, and imports nothing."""
    if any(importlib.util.find_spec(package) is None for package in ("presidio_analyzer", "phonenumbers")):
        raise ExtraMissing(NAME, NAME)


def _imported() -> _Parts:
    _silence()
    try:
        module = importlib.import_module("presidio_analyzer.predefined_recognizers")
        return _Parts(module, _regions())
    except ImportError as error:
        raise ExtraMissing(NAME, NAME) from error


def _regions() -> frozenset[str]:
    return frozenset(importlib.import_module("phonenumbers").SUPPORTED_REGIONS)


def _silence() -> None:
    """It announces every recogniser, and logs a candidate that it could not check, in full. A host's level stays."""
    logger = logging.getLogger("presidio-analyzer")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)


def _made(vendor: Any, entity: Entity, regions: tuple[str, ...]) -> Recogniser:
    base = getattr(vendor, KINDS[entity].recogniser)
    made: Recogniser
    match entity:
        case "phone":
            made = base(supported_regions=regions)
        case "email":
            made = email_recogniser(base)
        case "url":
            made = url_recogniser(base)
        case _:
            made = base()
    return made


def _ready(recogniser: Recogniser) -> Recogniser:
    """Compiled and loaded here, under the lock: patterns are shared by all instances and compiled at first use."""
    recogniser.analyze(_SAMPLE, recogniser.supported_entities)
    return recogniser
