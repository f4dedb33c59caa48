"""Faults as responses."""

from __future__ import annotations

import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.server.faults import ApiError


def response(fault: ApiError) -> Response:
    body = json.dumps(fault.body.model_dump())  # what it quotes may hold lone surrogates, which pydantic does not write
    return Response(body, status_code=fault.status, media_type="application/json", headers=fault.headers)


async def refuse(fault: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    await response(fault)(scope, receive, send)
