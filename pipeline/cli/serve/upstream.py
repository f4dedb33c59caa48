"""A server whose drafts are judged here: what `--upstream` means in settings."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from pipeline.addresses import bare
from pipeline.assembly.weights import judge_borrowed
from pipeline.cli.flags.base_url import key_for
from pipeline.errors import BadInput
from pipeline.settings import ServedSettings, Settings

_PATIENCE = 10.0


def drafting(url: str, model: str | None, key_variable: str | None, told: ServedSettings) -> dict[str, Any]:
    """Settings of the generator, in the place of those that are `told`. Without a name, the model is the first that the
    server lists. Its key is in the variable, or is the one that is told for this server. Raises `BadInput`."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(f"--upstream {bare(url)}: give a web address, as in http://127.0.0.1:8080/v1")
    key = os.environ.get(key_variable) if key_variable else None
    if key_variable and not key:
        raise BadInput(f"--upstream-key-env {key_variable}: the variable is not set")
    if not key:
        kept = key_for(url, "generator", told, cure="name the variable with its key by --upstream-key-env")
        key = kept.get_secret_value() if kept else None
    return {"model": f"openai:{model or _first_model(url, key)}", "base_url": url, "api_key": key}


def judged_here(settings: Settings) -> Settings:
    """An upstream drafts and does not judge itself, unless the settings say so: the embedded model does."""
    if not judge_borrowed(settings):
        return settings
    return settings.model_copy(update={"judge": settings.judge.model_copy(update={"model": "embedded"})})


def _first_model(url: str, key: str | None) -> str:
    request = urllib.request.Request(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key or 'none'}"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as reply:
            return str(json.load(reply)["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError) as exc:
        cure = "start it first, or name one with --upstream-model"
        raise BadInput(f"{bare(url)} does not say which models it has ({exc}): {cure}") from exc
