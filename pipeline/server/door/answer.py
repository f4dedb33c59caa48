"""Faults as responses."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.server.faults import ApiError


def response(fault: ApiError) -> Response:
    body = fault.body.model_dump_json()
    return Response(body, status_code=fault.status, media_type="application/json", headers=fault.headers)


async def refuse(fault: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    await response(fault)(scope, receive, send)
