"""The models that are served, one a manifesto, and how they change while the server runs."""

from pipeline.server.catalogue.catalogue import Catalogue, Served
from pipeline.server.catalogue.reload import Reloader

__all__ = ["Catalogue", "Reloader", "Served"]
