"""Showing an answer before it is whole: in which mode, by which rules, and which part of a draft comes next."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from critics import Finding, Manifesto, Rule, Stream, needs_whole, sentences, unsettled, visible
from pipeline.loop.watch import ENDING

WINDOW = 400
"""Characters of a window that are new; one ends at a space."""
OVERLAP = 200
"""Characters that are judged once more, before those."""
REACH = 200
"""Characters that are waited for behind a part where something may be mended, since personal data may go on there. None
that is written with spaces is as long."""

_JOINER = "\u200d"
_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""Of skin, which an emoji before them takes on."""


def mode_of(manifesto: Manifesto, *, can_continue: bool) -> Stream:
    """The manifesto's mode, or `hold` where it cannot be kept to: a rule needs the whole answer, or the generator could
    not go on from what has been shown."""
    binding = [rule for rule in manifesto.rules_for("output") if rule.action != "flag"]
    if any(map(needs_whole, binding)) or (manifesto.stream == "sentence" and not can_continue):
        return "hold"
    return manifesto.stream


class Showing:
    """What has been shown of one answer. It is fixed from then on: whatever is drafted, goes on from it."""

    def __init__(self, mode: Stream, manifesto: Manifesto) -> None:
        output = manifesto.rules_for("output")
        self.mode = mode
        self.text = ""
        self.rules: tuple[Rule, ...] = tuple(rule for rule in output if not needs_whole(rule))
        """Those that judge a part. The others only flag, and wait for the whole."""
        self._reach = REACH if any(rule.action == "redact" for rule in output) else 0

    def draft(self) -> Growing:
        """A new draft, which begins with what has been shown."""
        return Growing(self.mode, self.text, self._reach)


class Growing:
    """One draft as it grows, as a reader sees it: `text` is all of it, and up to `shown` it has been shown.

    What was shown may have been mended, so that `text` holds something else there.
    """

    def __init__(self, mode: Stream, begun: str = "", reach: int = 0) -> None:
        self._begun = begun
        self._mode = mode
        self._reach = reach
        self._tried = len(begun)
        self._looked = len(begun)
        self._ending = False
        self.text = begun
        self.shown = len(begun)
        self.mended: tuple[Finding, ...] = ()
        """What was mended in the parts that were shown."""

    def grew(self, written: str) -> None:
        """The draft is `written` by now, with what it was begun with."""
        self.text = self._begun + visible(written[len(self._begun) :])

    def due(self, written: str, *, ended: bool = False) -> Iterator[int]:
        """Where the parts end that are to be judged, now that so much is `written`; each once.

        The last part of a draft that has `ended` is not among them: it is judged as a whole.
        """
        if self._mode == "hold" or not (self._worth_a_look(written) or ended):
            return
        self.grew(written)
        ends = _sentence_ends if self._mode == "sentence" else _window_ends
        for end in ends(self.text, self._tried, 0 if ended else self._reach):
            self._tried = end
            # A window may end inside of an emoji, whose joiner nobody would see there.
            end = len(visible(self.text[:end]).rstrip())
            if self.text[self.shown : end].strip() and not unsettled(self.text[:end]):
                yield end
        self._ending = ENDING.search(self.text, self._tried) is not None

    def _worth_a_look(self, written: str) -> bool:
        """Whether a part may have come to its end. To look at all of a draft for every piece of it takes long."""
        begin, self._looked = self._looked, len(written)
        if self._mode == "window":
            return len(written) >= self._tried + WINDOW
        self._ending = self._ending or ENDING.search(written, begin) is not None
        return self._ending


def overlapped(text: str, shown: int) -> int:
    """Where the window begins whose new part follows the first `shown` characters of a text: with a word."""
    start = max(0, shown - OVERLAP)
    return next((place for place in range(start, shown) if not place or text[place - 1].isspace()), start)


def _sentence_ends(text: str, begin: int, reach: int) -> Iterator[int]:
    # The last sentence may go on.
    for span in sentences(text[begin:])[:-1]:
        if begin + span.end + reach <= len(text):
            yield begin + span.end


def _window_ends(text: str, begin: int, reach: int) -> Iterator[int]:
    # What comes behind the last character may belong to it.
    while begin + WINDOW + reach < len(text):
        begin = _space(text, begin + WINDOW // 2, begin + WINDOW)
        yield begin


def _space(text: str, least: int, most: int) -> int:
    """The last place at which a word ends, or where there is none, a character."""
    ends = [end for end in range(most, least, -1) if not text[end - 1].isspace()]
    whole = (end for end in ends if not _inside(text, end))
    return next((end for end in ends if text[end].isspace()), next(whole, most))


def _inside(text: str, place: int) -> bool:
    """Whether a mark, or what is joined to it, belongs to the character before that place."""
    before, after = text[place - 1], text[place]
    return _JOINER in (before, after) or after in _TONES or unicodedata.category(after)[0] == "M"
