"""What may be said of a server's address: a name and a password in it, and what stands behind `?`, may be secret."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

_HIDDEN = "***"
_LEAST = 4
_HOST = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?(?:[/?#]|\Z)")
"""A host by itself, perhaps with a port, and the end of it."""
_BLANK = re.compile(r"[\x00-\x1f\x7f]|\s(?!.*@)")
"""What no address holds; a space may be in a password that nobody has escaped."""


def is_web_address(url: str) -> bool:
    """Whether it names a server that can be asked: with its scheme, a host and, if any, a port that there is."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not _BLANK.search(url)
    except ValueError:  # of the port, or of brackets
        return False


def bare(url: str) -> str:
    """The address without them."""
    scheme, _, place, _ = _parts(url)
    return scheme + place


def masked(url: str) -> str:
    """The address with each of them covered, so that whoever has set it knows it again."""
    scheme, user, place, behind = _parts(url)
    return scheme + (f"{_HIDDEN}@" if user else "") + place + (behind[0] + _HIDDEN if behind else "")


def secrets_in(url: str) -> list[str]:
    """What may be secret in the address, as it is written and as it is sent, the longest first: for a server may repeat
    it. What is too short to be found by itself is left out."""
    _, user, _, behind = _parts(url)
    name, _, password = unquote(user).partition(":")
    sent = b64encode(unquote(user).encode()).decode() if user else ""
    values = [pair.rpartition("=")[2] for pair in re.split("[?&#;]", behind)]
    found = {user, name, password, sent, *values, *map(unquote, values)}
    return sorted((each for each in found if len(each) >= _LEAST), key=len, reverse=True)


def _parts(url: str) -> tuple[str, str, str, str]:
    """Scheme, user, host with path, and what stands behind. A password may hold an `@` or a `/` that nobody has
    escaped; where an `@` comes late enough for a `?` before it to be part of one, all is taken for it."""
    head, mark, rest = url.partition("://")
    scheme, rest = (head + mark, rest) if mark else ("", url)
    end = min((place for place in map(rest.find, "?#") if place >= 0), default=len(rest))
    if _HOST.match(rest):  # an `@` behind it is a path's or a query's own
        return scheme, "", rest[:end], rest[end:]
    if "@" in rest[end:]:
        return scheme, rest, "", ""
    user, _, place = rest[:end].rpartition("@")
    return scheme, user, place, rest[end:]
