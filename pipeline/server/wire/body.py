"""The body of a whole response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def whole(body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str]) -> Response:
    """By way of json, which escapes lone surrogates: an upstream's text may hold some, and what a fault quotes."""
    return Response(json.dumps(body), status_code=status, media_type="application/json", headers=headers)
