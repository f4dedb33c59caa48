"""`POST /v1/chat/completions`."""

from pipeline.server.chat.routes import chat_routes

__all__ = ["chat_routes"]
