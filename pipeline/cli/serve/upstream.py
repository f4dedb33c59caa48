"""A server whose drafts are judged here: what `--upstream` means in settings."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from pipeline.addresses import bare, is_web_address
from pipeline.assembly.weights import judge_borrowed
from pipeline.cli.flags.base_url import key_for
from pipeline.cli.serve.listing import first_model
from pipeline.errors import BadInput
from pipeline.settings import ServedSettings, Settings

_HOST = re.compile(r"[\w.-]+(?::\d+)?(?:/|$)|\[")
_TOO_MUCH = re.compile(r"(?P<kept>/v1)/v1/?$|(?:/chat/completions|/completions|/models|/responses)/?$")
"""What is no part of an interface's address any more."""


def drafting(url: str, model: str | None, key_variable: str | None, told: ServedSettings) -> dict[str, Any]:
    """Settings of the generator, in the place of those that are `told`. Without a name, the model is the first that the
    server lists. Its key is in the variable, or is the one that is told for this server. Raises `BadInput`."""
    _refuse_misspelt(url)
    key = _key_in(key_variable) if key_variable else None
    if not key:
        kept = key_for(url, "generator", told, cure="name the variable with its key by --upstream-key-env")
        key = kept.get_secret_value() if kept else None
    return {"model": f"openai:{model or first_model(url, key)}", "base_url": url, "api_key": key}


def judged_here(settings: Settings) -> Settings:
    """An upstream drafts and does not judge itself, unless the settings say so: the embedded model does."""
    if not judge_borrowed(settings):
        return settings
    return settings.model_copy(update={"judge": settings.judge.model_copy(update={"model": "embedded"})})


def _refuse_misspelt(url: str) -> None:
    """Raises `BadInput` for what is no address of an interface, and says how it would be one."""
    if "://" not in url and _HOST.match(url):
        raise BadInput(f"--upstream {bare(url)}: give a web address, with its scheme: http://{bare(url)}")
    if not is_web_address(url):
        raise BadInput(f"--upstream {bare(url)}: give a web address, as in http://127.0.0.1:8080/v1")
    parts = urlsplit(url)
    if found := _TOO_MUCH.search(parts.path):
        path = parts.path[: found.start()] + (found["kept"] or "")
        cure = bare(parts._replace(path=path).geturl())
        raise BadInput(f"--upstream {bare(url)}: give the address of the interface alone, {cure}")


def _key_in(variable: str) -> str:
    """Raises `BadInput`, which does not say what the variable holds."""
    key = os.environ.get(variable, "").strip()  # of a file, it brings the line's end along
    if not key:
        raise BadInput(f"--upstream-key-env {variable}: the variable is not set")
    if not (key.isascii() and key.isprintable()):
        raise BadInput(
            f"--upstream-key-env {variable}: what it holds is no key: there are other signs in it than ASCII"
        )
    return key
