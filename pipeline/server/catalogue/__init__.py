"""The models that are served, one a manifesto, and how they change while the server runs."""

from pipeline.server.catalogue.catalogue import Catalogue, Served

__all__ = ["Catalogue", "Served"]
