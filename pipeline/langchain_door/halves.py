"""Characters that a server has cut in two, as languages do that count in UTF-16: an emoji, half in one piece."""

from __future__ import annotations


class Halves:
    """Follows a text as it comes, and gives out whole characters. A half that the other one never follows becomes
    U+FFFD."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What is whole by now."""
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return _joined(text[: len(text) - len(self._held)])

    def rest(self) -> str:
        """What is left at the end."""
        rest, self._held = _joined(self._held), ""
        return rest


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
