"""Pictures as inline SVG, by matplotlib. Colours are the page's own, so that they change with its mode."""

from __future__ import annotations

import html
import importlib
import re
from io import StringIO
from typing import Any

from critics import ExtraMissing

_COLOURS = {"#010101": "ink", "#020202": "line", "#030303": "critic", "#040404": "baseline", "#050505": "faint"}
INK, LINE, CRITIC, BASELINE, FAINT = _COLOURS


_ON_PAPER = {INK: "#1c2026", LINE: "#d5d9df", CRITIC: "#1d5fd0", BASELINE: "#b0500a", FAINT: "#767e89"}
"""The page's own by day."""


def matplotlib(module: str = "", *, option: str = "--report") -> Any:
    """A module of it, not loaded before it is asked for. Raises `ExtraMissing`, which names the `option`."""
    try:
        return importlib.import_module(f"matplotlib{module}")
    except ImportError as exc:
        raise ExtraMissing(option, "eval", kind="option") from exc


def canvas(across: str, up: str, *, width: float = 3.6, height: float = 3.2) -> tuple[Any, Any]:
    """A figure and its axes, which have these names; `width` and `height` in inches."""
    figure = matplotlib(".figure").Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    axes.set(xlabel=across, ylabel=up)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=LINE, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    return figure, axes


def painted(figure: Any) -> Any:
    """The figure in colours of its own on white, for a file that stands outside of a page."""
    to_hex = matplotlib(".colors").to_hex
    for artist in figure.findobj():
        for part in ("color", "facecolor", "edgecolor"):
            colour = getattr(artist, f"get_{part}", lambda: None)()
            if isinstance(colour, str | tuple) and (known := _ON_PAPER.get(to_hex(colour))):
                getattr(artist, f"set_{part}")(known)
    figure.patch.set(visible=True, facecolor="white")
    return figure


def svg(figure: Any, key: str, title: str) -> str:
    """An `svg` element. `key` makes the ids in it unique on the page; `title` tells it to who cannot see."""
    out = StringIO()
    with matplotlib().rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", drawn)  # names of parts that nothing refers to
    for colour, name in _COLOURS.items():
        drawn = drawn.replace(colour, f"var(--{name})")
    box = re.search(r'viewBox="[^"]+"', drawn)
    head = f'<svg role="img" aria-labelledby="{key}" {box.group() if box else ""} xmlns="http://www.w3.org/2000/svg"'
    head += ' xmlns:xlink="http://www.w3.org/1999/xlink">'
    return re.sub(r"<svg[^>]*>", lambda _: f'{head}<title id="{key}">{html.escape(title)}</title>', drawn, count=1)
