"""`/healthz`, `/readyz`, `/metrics`: for whoever runs the server."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from pipeline.server import faults
from pipeline.server.door.keys import ANYBODY
from pipeline.server.service import Service, key_of
from pipeline.server.telling.metrics import CONTENT_TYPE
from pipeline.server.wire.documented import Declared, faulty


class Health(BaseModel):
    status: Literal["alive"] = "alive"


class ManifestoState(BaseModel):
    name: str
    hash: str


class Readiness(BaseModel):
    """`stuck` is full of drafts and critics that never answered. `stale` says that a file's last edit cannot be used:
    what it was before is served, and the log says why. Which manifestos there are is for those who have a key for them,
    where there are keys, and which files are broken for those who have one for all."""

    status: Literal["ready", "ending", "stuck"]
    stale: bool
    manifestos: list[ManifestoState]
    broken: list[str]


def health_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["running"])

    @router.get("/healthz", responses=faulty(403))
    async def healthz() -> Health:
        """Whether the process answers."""
        return Health()

    ending: Declared = {503: {"model": Readiness, "description": "It is ending or stuck, or serves nothing."}}

    @router.get("/readyz", response_model=Readiness, responses={**ending, **faulty(403)})
    async def readyz(request: Request) -> Response:
        """Whether requests should be sent here, and what is served."""
        served, broken = service.catalogue.served, service.catalogue.faults
        works = bool(served) and not service.work.ending
        ready = works and not service.work.stuck
        key = key_of(request)
        stranger = bool(service.options.keys) and key is ANYBODY
        named = [ManifestoState(name=s.name, hash=s.pipeline.manifesto.hash) for s in service.catalogue.visible_to(key)]
        state = Readiness(
            status="ready" if ready else "stuck" if works else "ending",
            stale=bool(broken),
            manifestos=[] if stranger else named,
            broken=[] if stranger or key.models else sorted(broken),
        )
        return Response(state.model_dump_json(), 200 if ready else 503, media_type="application/json")

    figures: Declared = {200: {"content": {"text/plain": {}}}}

    @router.get("/metrics", response_class=Response, responses={**figures, **faulty(401, 403)})
    async def metrics(request: Request) -> Response:
        """For Prometheus. They tell of all manifestos, and so are for nobody whose key is for some of them."""
        if key_of(request).models:
            raise faults.not_for_key()
        return Response(service.telling.metrics.page(), media_type=CONTENT_TYPE)

    return router
