"""Running the server: uvicorn, and an orderly end."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on. Raises `OSError`.

    It is told that it speaks TCP: asyncio switches Nagle's algorithm off only then, and with it on, an answer in two
    packets waits for the client's delayed acknowledgement, 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.AI_PASSIVE)[0][4]
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


class Running(uvicorn.Server):
    """When it is asked to end, it takes nothing more, lets requests in flight finish within `grace` seconds, and then
    cancels them, so that even a stream ends with an error event and not in the middle of a word. A second signal ends
    it at once."""

    def __init__(self, app: FastAPI, *, grace: float, **options: Any) -> None:
        # Once there is nothing to wait for, five seconds are for responses to leave.
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
            **options,
        )
        super().__init__(config)
        self._work = app.state.service.work
        self._grace = grace

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._work.end(self._grace, at_once=lambda: self.force_exit)
        await super().shutdown(sockets)
