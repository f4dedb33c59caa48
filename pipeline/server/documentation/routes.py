"""`GET /` and `/docs`: pages of our own, because FastAPI's load scripts and fonts from other people's servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pipeline.server.documentation.page import interface, pointer


def page_routes(openapi: Callable[[], Mapping[str, Any]]) -> APIRouter:
    """They tell nothing but what `openapi` does, which everybody may read, and so want no key. It is asked at the first
    request, when all routes are there."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    first, whole = cache(lambda: pointer(openapi())), cache(lambda: interface(openapi()))

    @router.api_route("/", methods=["GET", "HEAD"])
    @router.api_route("/v1", methods=["GET", "HEAD"])  # the address that is shown when it starts
    async def start() -> str:
        return first()

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def docs() -> str:
        return whole()

    return router
