"""A page and its parts. Whoever fills them escapes what came from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

_STYLE = Path(__file__).with_name("style.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser itself keeps to it: nothing is fetched, and nothing runs, whatever a draft tries."""


def document(title: str, body: Iterable[str]) -> str:
    """The whole page, headed by its title, which is escaped here. The parts of its body are HTML."""
    head = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{head}</title>\n<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{head}</h1>\n" + "\n".join(filter(None, body)) + "\n</main>\n</body>\n</html>\n"
    )


def table(label: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Rows by their heads; all cells are HTML. It scrolls by itself where the window is narrow."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    lines = (
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, cells in rows
    )
    scroll = f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
    return f"{scroll}<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"


def cards(given: Iterable[str]) -> str:
    """Figures side by side."""
    return f'<dl class="cards">{"".join(given)}</dl>'


def card(name: str, value: str, small: str = "") -> str:
    """One figure and what it is; all three are HTML."""
    note = f"<small>{small}</small>" if small else ""
    return f'<div class="card"><dt>{name}</dt><dd>{value}{note}</dd></div>'
