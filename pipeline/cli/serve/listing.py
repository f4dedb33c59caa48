"""The models that a server lists, of which the first is taken where none is named."""

from __future__ import annotations

import json
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from pipeline.addresses import bare
from pipeline.errors import BadInput

_PATIENCE = 10.0
_NAMED = "or name a model with --upstream-model"
_ADDRESS = f"check the address, which ends in /v1 as a rule, {_NAMED}"


def first_model(url: str, key: str | None) -> str:
    """The first one that the server lists. Raises `BadInput`, with the cause and the cure and without a secret."""
    try:
        return _asked(url, key)
    except HTTPError as exc:
        why = _by_status(exc.code, with_key=key is not None)
    except URLError as exc:
        why = f"it cannot be reached ({exc.reason}): see that it runs and that the address is right, {_NAMED}"
    except TimeoutError:
        why = f"it did not answer within {_PATIENCE:g} seconds: see that it runs, {_NAMED}"
    except (OSError, HTTPException):
        why = f"it broke off: see its log, {_NAMED}"
    except (ValueError, LookupError, TypeError):
        why = f"it answers with something else than a list of models: {_ADDRESS}"
    raise BadInput(f"{bare(url)} does not say which models it has: {why}")


def _asked(url: str, key: str | None) -> str:
    parts = urlsplit(url)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=f"{parts.path.rstrip('/')}/models")
    request = urllib.request.Request(place.geturl())
    for name, value in _authorization(parts.username, parts.password, key).items():
        request.add_unredirected_header(name, value)  # wherever this leads, the key is for no other
    with urllib.request.urlopen(request, timeout=_PATIENCE) as reply:
        return str(json.load(reply)["data"][0]["id"])


def _authorization(user: str | None, password: str | None, key: str | None) -> Mapping[str, str]:
    """As the client that asks for drafts does: who stands in the address goes before a key."""
    if user is None:
        return {"Authorization": f"Bearer {key or 'none'}"}
    said = f"{unquote(user)}:{unquote(password or '')}"
    return {"Authorization": f"Basic {b64encode(said.encode()).decode()}"}


def _by_status(status: int, *, with_key: bool) -> str:
    if status in (401, 403):
        given = "it does not accept the key" if with_key else "it wants a key"
        cure = "check the variable that --upstream-key-env names" if with_key else "name its variable"
        return f"{given} (HTTP {status}): {cure}" + ("" if with_key else " with --upstream-key-env")
    if status == 404:
        return f"nothing is there (HTTP 404): {_ADDRESS}"
    return f"it has failed (HTTP {status}): see its log, {_NAMED}"
