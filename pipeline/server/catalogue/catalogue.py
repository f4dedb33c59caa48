"""The models that are served: one a manifesto."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.pipeline import Pipeline
from pipeline.server.door.keys import Key

PREFIX = "superego/"


@dataclass(frozen=True)
class Served:
    """A manifesto's pipeline under its name. A request keeps the one that it started with."""

    pipeline: Pipeline
    since: int = field(default_factory=lambda: int(time.time()))

    @property
    def name(self) -> str:
        return self.pipeline.manifesto.name

    @property
    def id(self) -> str:
        return PREFIX + self.name


class Catalogue:
    """What is served now. It changes as a whole: whoever looks sees the old one or the new one."""

    def __init__(self, served: Mapping[str, Served]) -> None:
        self._served = dict(served)
        self._faults: dict[str, str] = {}

    @classmethod
    def of(cls, *pipelines: Pipeline) -> Catalogue:
        """These pipelines, for ever."""
        return cls({served.name: served for served in map(Served, pipelines)})

    def replace(self, served: Mapping[str, Served], faults: Mapping[str, str]) -> None:
        """Serve these from the next request on. `faults` are broken edits by manifesto, which are not served."""
        self._served, self._faults = dict(served), dict(faults)

    @property
    def served(self) -> Mapping[str, Served]:
        return self._served

    @property
    def faults(self) -> Mapping[str, str]:
        return self._faults

    def find(self, model: str, key: Key) -> Served | None:
        """By `superego/<name>` or by the bare name, where the key is for it."""
        served = self._served.get(model.removeprefix(PREFIX))
        return served if served and key.may_use(served.name) else None

    def visible_to(self, key: Key) -> list[Served]:
        return [served for name, served in sorted(self._served.items()) if key.may_use(name)]
