"""The pages, written from the OpenAPI document. Everything in it is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from pipeline.pages import document
from pipeline.server.documentation.schemas import fields, kind, prose, section

Described = Mapping[str, Any]
"""An OpenAPI document, or a part of one."""

_DOCUMENT = '<a href="openapi.json">openapi.json</a>'
_KEY = "<p>Wants a key, as <code>Authorization: Bearer …</code></p>"


def pointer(described: Described) -> str:
    """Where to go from the server's address. Links are relative, so that a proxy may put it all below a path."""
    body = [
        f"<p>{prose(described['info']['description'])}</p>",
        "<p>Clients are given this server’s address with <code>/v1</code>.</p>",
        f'<p>The interface in full: <a href="docs">docs</a>, or for programs {_DOCUMENT}.</p>',
        _contents(described, page="docs"),
    ]
    return document(described["info"]["title"], body)


def interface(described: Described) -> str:
    """All that can be asked, and all that comes back."""
    body = [
        f"<p>{prose(described['info']['description'])}</p>",
        f"<p>For programs: {_DOCUMENT}.</p>",
        _contents(described),
        *(_operation(*each) for each in _operations(described)),
        "<h2>Schemas</h2>",
        *(section(*each) for each in described["components"]["schemas"].items()),
    ]
    return document(f"{described['info']['title']}: the interface in full", body)


def _operations(described: Described) -> Iterator[tuple[str, str, Described]]:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _contents(described: Described, *, page: str = "") -> str:
    return fields(
        (f'<a href="{page}#{escape(told["operationId"])}">{_name(method, path)}</a>', prose(told["description"]))
        for method, path, told in _operations(described)
    )


def _operation(method: str, path: str, told: Described) -> str:
    body = told.get("requestBody", {}).get("content", {})
    parts = [
        f"<h2>{_name(method, path)}</h2>",
        f"<p>{prose(told['description'])}</p>",
        _KEY if told.get("security") else "",
        fields(map(_parameter, told.get("parameters", ()))),
        f"<p>Takes {_content(body)}</p>" if body else "",
        fields(_answer(*each) for each in told["responses"].items()),
    ]
    return f'<section id="{escape(told["operationId"])}">{"".join(parts)}</section>'


def _name(method: str, path: str) -> str:
    return f"{method} <code>{escape(path)}</code>"


def _parameter(told: Described) -> tuple[str, str]:
    required = ", required" if told.get("required") else ""
    said = prose(told.get("description", ""))
    return f"<code>{escape(told['name'])}</code>", f"in {escape(told['in'])}: {kind(told['schema'])}{required} {said}"


def _answer(status: str, told: Described) -> tuple[str, str]:
    return escape(status), f'{prose(told["description"])} <span class="dim">{_content(told.get("content", {}))}</span>'


def _content(content: Described) -> str:
    return "; ".join(
        f"{escape(media)}: {kind(form['schema'])}" if "schema" in form else escape(media)
        for media, form in content.items()
    )
