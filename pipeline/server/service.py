"""What every route is handed."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from pipeline.loop import Passed
from pipeline.server import faults
from pipeline.server.catalogue import Catalogue, Served
from pipeline.server.door.keys import ANYBODY, Key
from pipeline.server.options import Options
from pipeline.server.telling.record import Record
from pipeline.server.telling.telling import Telling
from pipeline.server.work import Work


@dataclass(frozen=True)
class Service:
    catalogue: Catalogue
    options: Options
    work: Work
    telling: Telling
    passed: Passed = field(default_factory=Passed)

    def served(self, request: Request, model: str) -> Served:
        """The model that is asked for. Raises `ApiError`."""
        served = self.catalogue.find(model, key_of(request))
        if served is None:
            raise faults.no_model(model)
        record_of(request).model = served.name
        return served


def key_of(request: Request) -> Key:
    return request.scope["state"].get("key", ANYBODY)  # type: ignore[no-any-return]  # put there by the door


def record_of(request: Request) -> Record:
    return request.scope["state"]["record"]  # type: ignore[no-any-return]  # put there by the outermost layer
