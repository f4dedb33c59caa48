"""`GET /v1/models`: one a manifesto."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from pipeline.server.catalogue import Served
from pipeline.server.service import Service, key_of
from pipeline.server.wire.documented import faulty


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "superego"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


def model_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["models"])

    @router.get("/v1/models", responses=faulty(401, 403))
    async def list_models(request: Request) -> ModelList:
        """The manifestos that this key is for."""
        return ModelList(data=[_model(served) for served in service.catalogue.visible_to(key_of(request))])

    @router.get("/v1/models/{model:path}", responses=faulty(401, 403, 404))
    async def retrieve_model(model: str, request: Request) -> Model:
        """One of them."""
        return _model(service.served(request, model))

    return router


def _model(served: Served) -> Model:
    return Model(id=served.id, created=served.since)
