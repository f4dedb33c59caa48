"""The forms of an identity beside one another, as a picture: how much each recovers, and how many first drafts pass."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.files.replacing import replacing
from pipeline.pages import BASELINE, CRITIC, INK, canvas, document, matplotlib, painted, svg, table

SUFFIXES = (".svg", ".png", ".html")

_BAR = 0.38
"""Height of one of the two bars that a form has."""

_HEADS = ("", "recovered", "first drafts passed", "perplexity, ratio", "questions right")

Rows = Mapping[str, Mapping[str, Any]]
"""By a form's name: `recovered`, `perplexity`, and where they were asked, `first_passed` and `right`."""


def refuse_plot(path: Path) -> None:
    """Before anything is measured. Raises `BadInput` for a file that is none of these, `ExtraMissing`."""
    if path.suffix not in SUFFIXES or not path.parent.is_dir() or path.is_dir():
        raise BadInput(f"--plot {path}: give a file that ends in {', '.join(SUFFIXES)}, in a folder that exists")
    matplotlib(option="--plot")


def write_plot(path: Path, manifesto: str, rows: Rows) -> None:
    """As a picture, or for `.html` as a page with the figures beside it; atomically. Raises `OutputFault`."""
    figure = _drawn(rows)
    with replacing(path) as part:
        if path.suffix == ".html":
            part.write_text(_page(manifesto, rows, figure), "utf-8")
        else:
            painted(figure).savefig(part, format=path.suffix.removeprefix("."), dpi=160)


def _drawn(rows: Rows) -> Any:
    figure, axes = canvas("share", "", width=5.6, height=0.9 + 0.62 * len(rows))
    axes.set_axisbelow(True)
    axes.grid(visible=False, axis="y")
    asked = any(row.get("first_passed") is not None for row in rows.values())
    for place, row in enumerate(rows.values()):
        _bar(axes, place - _BAR / 2 if asked else place, row["recovered"], CRITIC)
        if row.get("first_passed") is not None:
            _bar(axes, place + _BAR / 2, row["first_passed"], BASELINE)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xlim(min(0.0, *(row["recovered"] for row in rows.values())), 1.12)
    axes.barh([0], [0], color=CRITIC, label="recovered")
    if asked:
        axes.barh([0], [0], color=BASELINE, label="first drafts passed")
    figure.legend(frameon=False, labelcolor=INK, fontsize=9, loc="outside upper center", ncols=2)
    return figure


def _bar(axes: Any, place: float, share: float, colour: str) -> None:
    axes.barh(place, share, height=_BAR, color=colour)
    axes.text(max(share, 0) + 0.01, place, f"{share:.2f}", va="center", fontsize=8, color=INK)


def _page(manifesto: str, rows: Rows, figure: Any) -> str:
    said = "; ".join(f"{name} {row['recovered']:.2f}" for name, row in rows.items())
    cells = [(escape(name), [_cell(row, key) for key in _KEYS]) for name, row in rows.items()]
    picture = svg(figure, "identities", f"Share of the manifesto's effect that each form recovers: {said}.")
    return document(f"Identities of {manifesto}", [picture, table("Identities", _HEADS, cells)])


_KEYS = ("recovered", "first_passed", "perplexity", "right")


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else f"{value:.3f}" if key == "perplexity" else f"{value:.2f}"
