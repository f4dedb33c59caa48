"""Characters that a reader does not see: what they are, as bodies of regular-expression classes.

From the Unicode Character Database: Default_Ignorable_Code_Point, and the categories Cf and Cc but for the
few of Cf that are drawn (the Arabic number signs and their like).
"""

from __future__ import annotations

import re

CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
FORMATS = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners and fillers of several scripts
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\uffa0\ufeff"  # zero widths, direction, Hangul fillers, BOM
    "\ufe00-\ufe0f\U000e0000-\U000e0fff"  # variation selectors, tags
    "\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of notations
)
INVISIBLE = CONTROLS + FORMATS

LINE_BREAK = "\r\n|[\r\x0b\x0c\x85\u2028\u2029]"
"""Everything but `\\n` that a reader sees as the start of a new line."""

SURROGATE = "\ud800-\udfff"

PLAIN = re.compile(r"[\t\n\x20-\x7e]*")
"""Text in which nothing can be hidden, and which no normal form changes."""
