"""Ways to stream that a manifesto names and its rules do not allow."""

from __future__ import annotations

from collections.abc import Iterator

from critics.lint.placing import Complaint
from critics.manifesto.schema import Manifesto
from critics.partial import needs_whole


def streaming_complaints(manifesto: Manifesto) -> Iterator[Complaint]:
    """What keeps an answer from being shown in parts, where the manifesto says that it should be."""
    if manifesto.stream == "hold":
        return
    for rule in manifesto.rules_for("output"):
        if rule.action != "flag" and (why := needs_whole(rule)):
            what = f"`{manifesto.stream}` shows an answer in parts, and `{rule.id}` needs the whole: {why}"
            yield ("stream",), f"{what}; let it only flag, or leave `stream` at hold"
    if manifesto.on_exhausted == "best":
        what = f"with `stream: {manifesto.stream}` no draft that failed is shown"
        yield ("on_exhausted",), f"`best` is never given: {what}; use refusal or error"
