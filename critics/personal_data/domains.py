"""Which names are domains, asked of the suffix list that comes with `tldextract`.

Left alone, the e-mail recogniser asks `tldextract`'s own extractor, which fetches a newer list from the network and
keeps it in the home folder. Replacing that one would change it for everyone in the process, so the recognisers are
given an extractor of ours.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

_ATOM = r"\w!#$%&'*+\-/=?^`{|}~"
_END = r"[^\s<>\"'()\[\]{}.,;:!?]"

# The recognisers' own patterns take seconds for a text that was made for them, and stop at the first suffix that
# fits: `example.com` in `example.community`. These look no further than a mail system or a browser would.
# An underscore behind the last part is Markdown's, or begins something else, and a hyphen begins the next word.
_LABEL, _LAST = r"[^\W_]+(?:[-_]+[^\W_]+)*", r"(?:xn--[^\W_]+(?:-+[^\W_]+)*|[^\W_]+)"
EMAIL = {"address": (rf"\w(?:[{_ATOM}.]{{0,126}}[{_ATOM}])?@{_LABEL}(?:\.{_LABEL})*\.{_LAST}", 0.5)}
URL = {
    "with a scheme": (rf"\b(?:https?|ftp)://[^\s<>\"'()\[\]{{}}]*{_END}", 0.6),
    "bare": (rf"(?<![@\w./-])(?:[\w-]{{1,63}}\.){{1,30}}[^\W\d_]{{2,24}}(?![\w@])(?:[/?#][^\s<>\"'()]*{_END})?", 0.5),
}

MAX_DOMAIN = 253
"""Characters that a domain may have."""

_FILE = re.compile(r"(?!www\.)[^/?#]+\.(?:cc|md|mov|ps|py|rs|sh|so|zip)", re.IGNORECASE)
"""Suffixes that are read as a file's, unless the name begins with `www.` or goes on with a path."""


def email_recogniser(base: Any) -> Any:
    """An e-mail recogniser that takes an address at a domain under a public suffix, and not the sentence behind it."""
    is_domain = _offline()

    def ends(found: str) -> Iterator[int]:
        """Where an address may end in what was found, the longest first."""
        begin = found.rindex("@") + 1
        dots = [place.start() for place in re.finditer(r"\.", found[: begin + MAX_DOMAIN])]
        return (end for end in (len(found), *reversed(dots)) if end > begin and is_domain(found[begin:end]))

    def validate(_: object, found: str) -> bool:
        return next(ends(found), None) is not None

    def analyze(self: Any, text: str, entities: list[str]) -> Any:
        results = base.analyze(self, text, entities)
        for result in results:
            result.end = result.start + next(ends(text[result.start : result.end]))
        return results

    return _variant(base, EMAIL, validate, analyze=analyze)


def url_recogniser(base: Callable[..., Any]) -> Any:
    """A URL recogniser that takes anything with a scheme, and bare names that are domains and not files."""
    is_domain = _offline()

    def validate(_: object, found: str) -> bool | None:
        keep_score = None
        known = "://" in found or (is_domain(found) and not _FILE.fullmatch(found))
        return keep_score if known else False

    return _variant(base, URL, validate)


def _variant(
    base: Any, forms: dict[str, tuple[str, float]], validate: Callable[[object, str], bool | None], **more: Any
) -> Any:
    pattern = importlib.import_module("presidio_analyzer").Pattern
    patterns = [pattern(name, form, score) for name, (form, score) in forms.items()]
    return type(base.__name__, (base,), {"validate_result": validate, **more})(patterns=patterns)


def _offline() -> Callable[[str], bool]:
    extract = importlib.import_module("tldextract").TLDExtract(cache_dir=None, suffix_list_urls=())
    return lambda name: bool(extract(name).fqdn)
