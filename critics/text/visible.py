"""What may be released: text from which everything that a reader cannot see is taken out."""

from __future__ import annotations

import re

from critics.text.invisible import INVISIBLE, LINE_BREAK, PLAIN, SURROGATE

_PICTURE = (  # where the database has Emoji=Yes, roughly; digits count only in keycaps
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
)
_EMOJI = f"[{_PICTURE}](?:[\ufe0e\ufe0f]|[\U0001f3fb-\U0001f3ff])?"
_KEYCAP = "[0-9#*]\ufe0f\u20e3"


def _flag(region: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in region)


# England, Scotland and Wales: the only flags made with tags that are recommended for interchange. Any others could
# spell out hidden text.
_FLAGS = "\U0001f3f4(?:" + "|".join(map(_flag, ("gbeng", "gbsct", "gbwls"))) + ")\U000e007f"

_JOINING = (  # letters and marks of Arabic, Syriac and N'Ko, of the scripts of India and its neighbours, of Mongolian
    "\u0610-\u061a\u0620-\u065f\u066e-\u06dc\u06df-\u06ef\u06fa-\u06ff\u0710-\u07ff\u0840-\u085f\u0870-\u088e"
    "\u0898-\u08e1\u08e3-\u0963\u0971-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18aa"
    "\u1900-\u1cff\ua840-\ua877\ua8e0-\uaaff\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011fff"
)
_JOINED = f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])|(?<=[\u1820-\u18aa])[\u180b-\u180f]"

_LINE_BREAK = re.compile(LINE_BREAK)
_SURROGATE = re.compile(f"[{SURROGATE}]")
_SEEN_OR_NOT = re.compile(f"({_FLAGS}|{_KEYCAP}|{_EMOJI}(?:\u200d{_EMOJI})*|{_JOINED})|[{INVISIBLE}]+")


def visible(text: str) -> str:
    """`text` without what a reader cannot see; a second time changes nothing.

    Tags, zero widths, direction controls and other ignorable or control characters go; a joiner or variation
    selector stays inside an emoji, or between letters of a script that is spelt with it. Every kind of line break
    becomes `\\n`, a lone surrogate U+FFFD, so that the result can always be encoded.
    """
    if PLAIN.fullmatch(text):
        return text
    text = _SURROGATE.sub("\ufffd", _LINE_BREAK.sub("\n", text))
    return _SEEN_OR_NOT.sub(lambda found: found[1] or "", text)
