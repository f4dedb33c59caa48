"""Manifestos that change while the server runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Hashable, Mapping

from pipeline.errors import PipelineError
from pipeline.pipeline import Pipeline
from pipeline.server.catalogue.catalogue import Catalogue, Served

log = logging.getLogger("superego.server")

Stamps = Mapping[str, Hashable]
"""The sources of manifestos as they are now: what they are called, and what is different once they have changed."""


class Reloader:
    """Looks whether a source has changed, and if so serves what it holds from the next request on.

    A change is taken up when it was seen twice, so that a file that is still being written is not read: half a
    manifesto can be a whole one with fewer rules. What cannot be used changes nothing, and says so in the log and the
    catalogue.
    """

    def __init__(self, catalogue: Catalogue, find: Callable[[], Stamps], make: Callable[[str], Pipeline]) -> None:
        self._catalogue = catalogue
        self._find = find
        self._make = make
        self._stamps: dict[str, Hashable] = {}
        self._before: dict[str, Hashable] = {}
        self._served: dict[str, Served] = {}
        self._holders: dict[str, str] = {}
        """By a manifesto's name, the source that it is served from."""
        self._faults: dict[str, str] = {}
        self._blind = ""
        """Why the last look saw nothing."""

    def load(self) -> None:
        """The first time. Raises what `make` raises, and `PipelineError` for two manifestos of one name, and where they
        cannot be looked for."""
        try:
            self._stamps = self._before = dict(self._find())
        except OSError as exc:
            raise PipelineError(f"cannot look for manifestos: {exc}") from exc
        self._served = {source: Served(self._make(source)) for source in self._stamps}
        self._publish()
        if faults := self._catalogue.faults:
            raise PipelineError("; ".join(faults.values()))

    def look(self) -> None:
        """Take up what has changed and come to rest. Never raises for what is wrong with a manifesto."""
        try:
            now = dict(self._find())
        except OSError as exc:
            if str(exc) != self._blind:  # and not again at every look
                log.warning(json.dumps({"event": "reload", "fault": f"cannot look for manifestos: {exc}"}))
            self._blind = str(exc)
            return
        self._blind = ""
        resting = {source for source in {**now, **self._stamps} if now.get(source) == self._before.get(source)}
        changed = [source for source in resting if now.get(source) != self._stamps.get(source)]
        self._before = now
        for source in sorted(changed):
            self._take(source, now)
        if changed:
            self._publish()

    def _take(self, source: str, now: Stamps) -> None:
        self._faults.pop(source, None)
        if source not in now:
            del self._stamps[source]
            gone = self._served.pop(source, None)
            log.info(json.dumps({"event": "reload", "source": source, "model": gone and gone.name, "gone": True}))
            return
        self._stamps[source] = now[source]
        try:
            self._served[source] = served = Served(self._make(source))
        except Exception as exc:  # noqa: BLE001  # whatever is wrong with an edit, the old one goes on
            self._faults[source] = str(exc)
            log.warning(json.dumps({"event": "reload", "source": source, "fault": str(exc)}))
        else:
            known = {"model": served.name, "hash": served.pipeline.manifesto.hash}
            log.info(json.dumps({"event": "reload", "source": source, **known}))

    def _publish(self) -> None:
        holders: dict[str, str] = {}
        faults = dict(self._faults)
        # Whoever has a name keeps it: a copy that comes later, whatever its file is called, is the one that is wrong.
        for source in sorted(self._served, key=lambda source: (source not in self._holders.values(), source)):
            name = self._served[source].name
            if holders.setdefault(name, source) != source:
                faults[source] = f"{source}: {holders[name]} is called {name!r} as well: give one of them another name"
                log.warning(json.dumps({"event": "reload", "source": source, "fault": faults[source]}))
        self._holders = holders
        self._catalogue.replace({name: self._served[source] for name, source in holders.items()}, faults)
