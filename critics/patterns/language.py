"""Which language a text is in, by py3langid, which is trained on 139 of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from critics.patterns.scripts import foreign_share, letters_by_script

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_LETTERS = 20
"""With fewer, no detector can tell languages apart that share a script."""

_KNOWN_NOTHING = 0.05
"""Without a feature that it knows, the detector spreads its doubt evenly, about 0.01 a language."""

PART = 1_000
"""Characters judged at once. The detector's probabilities flatten on longer texts, and one may change its language."""

_NO_LANGUAGE = "zxx"  # the detector's word for numbers, markup and the like, which are in every language

_KNOWN = (
    "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl gu ha he hi hr ht "
    "hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl nn no oc om or pa "
    "pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu"
)
"""The languages of ISO 639-1 that the detector knows, which takes too long to load to be asked."""

_ALIKE = (frozenset({"nb", "nn", "no"}), frozenset({"bs", "hr", "sr"}), frozenset({"id", "ms"}))
"""Languages that the detector takes for one another; to allow one is to allow its group."""


def knows_language(code: str) -> bool:
    """Whether a text can be told to be in this language, by its ISO 639-1 code, or in one that is taken for it."""
    return not _likes(code).isdisjoint(_KNOWN.split())


def language(text: str) -> str | None:
    """The ISO 639-1 code of the language that `text` is most likely in; `None` where it is too short to tell."""
    likely = _probabilities(text) if letters_by_script(text).total() >= MIN_LETTERS else {}
    return max(likely, key=likely.__getitem__) if likely else None


def foreign(text: str, allowed: Iterable[str]) -> float:
    """The probability, 0 to 1, that `text` is in none of the `allowed` languages (ISO 639-1).

    A text without letters is in every language, a short one in every language of its script. Raises `ValueError` for
    a language that the detector does not know.
    """
    languages = _widened(allowed)
    letters = letters_by_script(text)
    share = foreign_share(letters, languages)
    if letters.total() < MIN_LETTERS:
        return share
    if share > 0.9:  # whatever the detector makes of it; it knows few scripts
        return 1.0
    likely = _probabilities(text)
    if not likely:
        return share
    # On jargon the detector spreads its doubt over dozens of languages. Only the likeliest of them is a rival: that
    # halves the false alarms on short English sentences, and loses none of the foreign ones.
    home = sum(likely[code] for code in languages)
    rival = max((p for code, p in likely.items() if code not in languages), default=0.0)
    return rival / (rival + home)


def _widened(allowed: Iterable[str]) -> frozenset[str]:
    """Those that the detector knows of the allowed languages and their likes."""
    known = frozenset(_identifier().labels)
    groups = {code: known & _likes(code) for code in allowed}
    if unknown := sorted(code for code, group in groups.items() if not group):
        raise ValueError(f"the language detector does not know {', '.join(unknown)}")
    return frozenset[str]().union(*groups.values())


def _likes(code: str) -> frozenset[str]:
    return next((group for group in _ALIKE if code in group), frozenset((code,)))


def _probabilities(text: str) -> dict[str, float]:
    """How likely `text` is in each known language, part by part; empty where it holds nothing known."""
    likely: Counter[str] = Counter()
    for start in range(0, len(text), PART):
        ranked = dict(_identifier().rank(text[start : start + PART]))
        known = max(ranked.values()) > _KNOWN_NOTHING
        ranked.pop(_NO_LANGUAGE, None)
        if known:
            weight = min(PART, len(text) - start) / len(text)
            likely.update({code: p * weight for code, p in ranked.items()})
    return dict(likely)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # numpy and a model: too slow for who does not need it

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
