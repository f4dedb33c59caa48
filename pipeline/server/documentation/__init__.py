"""What a browser is shown: where to go from the server's own address, and the interface in full."""

from pipeline.server.documentation.routes import page_routes

__all__ = ["page_routes"]
