"""`/healthz`, `/readyz`, `/metrics`: for whoever runs the server."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from pipeline.server.service import Service
from pipeline.server.telling.metrics import CONTENT_TYPE


class Health(BaseModel):
    status: Literal["alive"] = "alive"


class ManifestoState(BaseModel):
    """`fault` says that the file was edited and what is wrong with it; what is served is what it was before."""

    name: str
    hash: str


class Readiness(BaseModel):
    status: Literal["ready", "ending"]
    manifestos: list[ManifestoState]
    broken: list[str]
    """Files whose last edit cannot be used; the log says why. What they were before is served."""


def health_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["running"])

    @router.get("/healthz")
    async def healthz() -> Health:
        """Whether the process answers."""
        return Health()

    @router.get("/readyz", responses={503: {"model": Readiness, "description": "It is ending, or serves nothing."}})
    async def readyz() -> Response:
        """Whether requests should be sent here, and what is served."""
        served = service.catalogue.served
        ready = bool(served) and not service.work.ending
        state = Readiness(
            status="ready" if ready else "ending",
            manifestos=[ManifestoState(name=n, hash=s.pipeline.manifesto.hash) for n, s in sorted(served.items())],
            broken=sorted(service.catalogue.faults),
        )
        return Response(state.model_dump_json(), 200 if ready else 503, media_type="application/json")

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(service.telling.metrics.page(), media_type=CONTENT_TYPE)

    return router
