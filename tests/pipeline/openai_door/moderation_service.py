"""A moderation service that says its lines."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass
class Line:
    """One answer: `body` as it goes over the wire, after `delay` seconds."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class Service:
    """Gives its lines in turn, the last one for ever, and notes what it was asked."""

    lines: list[Line]
    base_url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)


def scores(**categories: float | None) -> Line:
    """A reply of the published shape; `__` in a name stands for a slash."""
    named = {name.replace("__", "/"): score for name, score in categories.items()}
    flags = {name: bool(score and score >= 0.5) for name, score in named.items()}
    result = {"flagged": any(flags.values()), "categories": flags, "category_scores": named}
    return Line(json.dumps({"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}))


def handler(service: Service) -> type[BaseHTTPRequestHandler]:
    """What answers for a service."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("Authorization")
            service.asked.append({**body, "path": self.path, "key": key, "at": time.monotonic()})
            line = service.lines[min(len(service.asked), len(service.lines)) - 1]
            time.sleep(line.delay)
            self.send_response(line.status)
            length = str(len(line.body.encode()))
            headers = {"Content-Type": "application/json", "Content-Length": length, **line.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(line.body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
