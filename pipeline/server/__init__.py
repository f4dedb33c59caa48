"""The server: OpenAI's interface in front of ready pipelines. The one door to FastAPI and uvicorn."""

from pipeline.server.app import create_app
from pipeline.server.catalogue import Catalogue, Reloader
from pipeline.server.door.keys import Key, hashed, new_key
from pipeline.server.options import Options
from pipeline.server.run import Running, listen

__all__ = [
    "Catalogue",
    "Key",
    "Options",
    "Reloader",
    "Running",
    "create_app",
    "hashed",
    "listen",
    "new_key",
]
