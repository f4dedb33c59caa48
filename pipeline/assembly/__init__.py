"""Where the parts are put together: settings in, a ready pipeline out."""

from pipeline.assembly.assembly import Parts, asks_model, assemble, load, store_of

__all__ = [
    "Parts",
    "asks_model",
    "assemble",
    "load",
    "store_of",
]
