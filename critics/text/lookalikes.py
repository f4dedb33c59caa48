"""Letters of other scripts, and of phonetic notation, that are drawn like Latin ones.

The pairs are facts from Unicode's confusables (UTS 39), kept to whole letters of living scripts, with a few that
are used as disguises although they only resemble (Cyrillic ka, em, te; Greek kappa).
"""

from __future__ import annotations

import unicodedata

_SMALL = (
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\ua7af\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
    "abcdefghijklmnopqrstuvwyz",
)

_PAIRS = (
    # Cyrillic: a ie o er es u ha, dze i je qa we shha komi-de palochka, ghe straight-u, ka em te
    ("\u0430\u0435\u043e\u0440\u0441\u0443\u0445", "aeopcyx"),
    ("\u0455\u0456\u0458\u051b\u051d\u04bb\u0501\u04cf", "sijqwhdl"),
    ("\u0433\u04af\u043a\u043c\u0442", "rykmt"),
    # Cyrillic capitals: A Ve Ie Ka Em En O Er Es Te U Ha, Dze I Je Qa We Palochka Shha Straight-U
    ("\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425", "ABEKMHOPCTYX"),
    ("\u0405\u0406\u0408\u051a\u051c\u04c0\u04ae", "SIJQWIY"),
    # Greek: alpha omicron rho nu iota upsilon gamma kappa, yot, and the final sigma, also for the lunate one
    ("\u03b1\u03bf\u03c1\u03bd\u03b9\u03c5\u03b3\u03ba\u03f3\u03c2", "aopviuykjc"),
    # Greek capitals: Alpha Beta Epsilon Zeta Eta Iota Kappa Mu Nu Omicron Rho Tau Upsilon Chi, Yot
    (
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u037f",
        "ABEZHIKMNOPTYXJ",
    ),
    # Armenian: oh seh ho vo co za gim ayb yi, Oh Seh Tiwn
    ("\u0585\u057d\u0570\u0578\u0581\u0566\u0563\u0561\u0575\u0555\u054d\u054f", "ouhngqqwjOUS"),
    # Cherokee: go yv tli a gv nah mi v gu tso tle lu tlv e du i do la no mu
    (
        "\u13aa\u13f4\u13df\u13a0\u13ac\u13c0\u13bb\u13a5\u13ab\u13e6\u13de\u13b7\u13e2\u13a1\u13da\u13a2\u13d9\u13b3\u13c3\u13bd",
        "ABCDEGHiJKLMPRSTVWZY",
    ),
    # Latin letters of phonetic notation: alpha, script g. Not dotless i: Turkish is spelt with it
    ("\u0251\u0261", "ag"),
    _SMALL,
)

TO_LATIN: dict[int, str] = {ord(odd): latin for odds, latins in _PAIRS for odd, latin in zip(odds, latins, strict=True)}
"""For `str.translate`: each lookalike and the Latin letter it passes for."""

FROM_LATIN: dict[str, dict[int, str]] = {}
"""The other way about, by the script's name in Unicode; of several lookalikes the first."""

for _odd, _latin in TO_LATIN.items():
    if (_script := unicodedata.name(chr(_odd)).partition(" ")[0]) != "LATIN":
        FROM_LATIN.setdefault(_script, {}).setdefault(ord(_latin), chr(_odd))

SMALL_CAPITALS = _SMALL[0]
"""Latin letters drawn as small capitals, some of which phonetic notation uses. There is no x."""
