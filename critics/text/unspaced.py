"""Scripts that are written without spaces between words, as bodies of regular-expression classes."""

from __future__ import annotations

WORD_LETTERS = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""Those of which a letter says about as much as a word."""

UNSPACED = WORD_LETTERS + "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"  # and Thai, Lao, Tibetan, Burmese, Khmer

HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
"""Written with spaces, but what a word is in its sentence stands right behind it, also behind a number or a name."""
