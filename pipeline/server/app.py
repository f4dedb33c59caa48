"""The app: routes, faults, and the layers around them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.server.asking import ClientGone
from pipeline.server.catalogue import Catalogue
from pipeline.server.chat import chat_routes
from pipeline.server.documentation import page_routes
from pipeline.server.door.answer import response
from pipeline.server.door.bounds import Bounds
from pipeline.server.door.guarded import Guarded
from pipeline.server.door.heads import Heads
from pipeline.server.faults import ApiError
from pipeline.server.health import health_routes
from pipeline.server.models import model_routes
from pipeline.server.moderations import moderation_routes
from pipeline.server.options import Options
from pipeline.server.responses import response_routes
from pipeline.server.service import Service
from pipeline.server.telling.metrics import Metrics
from pipeline.server.telling.spans import Spans
from pipeline.server.telling.telling import CLIENT_LEFT, Telling, Told
from pipeline.server.wire.invalid import invalid, unreadable
from pipeline.server.work import Work

log = logging.getLogger("superego.server")

DESCRIPTION = "OpenAI's interface in front of a model whose drafts are judged before anybody sees them."


def create_app(
    catalogue: Catalogue,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    look: Callable[[], None] | None = None,
    tracer: Tracer | None = None,
    meter: Meter | None = None,
) -> FastAPI:
    """The server for what the catalogue holds. `look` is called every `options.poll` seconds, in a thread: there the
    catalogue may be changed. `tracer` and `meter` are OpenTelemetry's; else those that the process has."""
    work = Work(threads=options.threads, waiting=options.waiting, deadline=options.deadline)
    telling = Telling(Metrics(work, meter), Spans(tracer), log_content=options.log_content)
    service = Service(catalogue, options, work, telling)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.ensure_future(_looking(look, options.poll)) if look else None
        yield
        if looking:
            looking.cancel()
        work.close()

    app = FastAPI(
        title="superego", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.service = service
    wanted = [Depends(HTTPBearer(auto_error=False))] if options.keys else []
    for routes in (chat_routes, response_routes, moderation_routes, model_routes):
        app.include_router(routes(service), dependencies=wanted)
    app.include_router(health_routes(service))
    app.include_router(page_routes(app.openapi))
    app.add_exception_handler(ApiError, _fault)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientGone, _gone)
    # The last one added is the outermost.
    app.add_middleware(Heads)
    app.add_middleware(Bounds, most=options.body_bytes, seconds=options.body_seconds)
    app.add_middleware(Guarded, keys=options.keys)
    app.add_middleware(Told, telling=telling)
    return app


async def _looking(look: Callable[[], None], poll: float) -> None:
    while True:
        await asyncio.sleep(poll)
        try:
            await asyncio.to_thread(look)
        except Exception:
            log.exception("a look at the manifestos failed")


async def _fault(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, ApiError)
    return response(exc)


async def _invalid(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    return response(invalid(exc))


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    asked = f"{request.method} {request.url.path[:80]}"
    headers = dict(exc.headers or {})
    match exc.status_code:
        case 404:
            what = f"there is no {asked} here: the interface is under /v1, as in /v1/chat/completions"
            return response(ApiError(404, what, code="not_found", headers=headers))
        case 405:
            if headers.get("Allow") == "GET":  # HEAD is answered wherever that is
                headers["Allow"] = "GET, HEAD"
            what = f"there is no {asked} here: this address takes {headers.get('Allow')}"
            return response(ApiError(405, what, code="method_not_allowed", headers=headers))
        case 400:
            return response(unreadable(exc))
    return response(ApiError(exc.status_code, exc.detail, headers=headers))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_LEFT)
