from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest

from tests.pipeline.openai_door.moderation_service import Line, Service, handler


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Start a service that says these lines."""
    servers: list[ThreadingHTTPServer] = []

    def start(*lines: Line) -> Service:
        service = Service(list(lines))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(service))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        servers.append(server)
        service.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
