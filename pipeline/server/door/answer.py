"""Faults as responses."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.server.faults import ApiError
from pipeline.server.wire.body import whole


def response(fault: ApiError) -> Response:
    return whole(fault.body.model_dump(), status=fault.status, headers=fault.headers)


async def refuse(fault: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    await response(fault)(scope, receive, send)
