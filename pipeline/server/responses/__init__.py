"""`POST /v1/responses`: text in, text out."""

from pipeline.server.responses.routes import response_routes

__all__ = ["response_routes"]
