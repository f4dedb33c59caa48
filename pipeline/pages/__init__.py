"""Reports and the server's pages, each one file of HTML that needs nothing else: what all of them share."""

from pipeline.pages.document import card, cards, document, table
from pipeline.pages.drawing import BASELINE, CRITIC, FAINT, INK, canvas, matplotlib, painted, svg

__all__ = [
    "BASELINE",
    "CRITIC",
    "FAINT",
    "INK",
    "canvas",
    "card",
    "cards",
    "document",
    "matplotlib",
    "painted",
    "svg",
    "table",
]
