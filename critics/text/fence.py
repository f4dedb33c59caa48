"""Fence untrusted text for a prompt, and take the edge off everything in it that looks like a prompt's structure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_LETTERS = "bcdfghjklmnpqrstvwxz"
"""Of delimiters: no vowels, so that hardly a word is one, and no digits, each of which many models read as a token."""

_LENGTH = 6

_LABELS = "drafts?|sources?|conversation|turns?"
_CLOSED = "(?=[^<>\u2039\u203a\n]{0,200}>)"  # `a < source` is code, `< source >` a tag
_FENCE_TAG = (
    rf"<(?:/\s{{0,8}}(?:{_LABELS})\b|(?:{_LABELS})\b|\s{{1,8}}/?\s{{0,8}}(?:{_LABELS})\b{_CLOSED}"
    rf"|\s{{0,8}}/?\s{{0,8}}\w{{1,32}}\s{{1,8}}[{_LETTERS}]{{{_LENGTH}}}\b)"
)

_BAR = "[|\uff5c]"
_NAME = "[^\\s<>|\uff5c\u2039\u203a]{1,64}"
_NAMED = (
    "s|bos|eos|pad|unk|mask|sep|cls|eod|eot|unused_?[0-9]{1,6}|reserved_?[0-9]{1,6}|extra_id_[0-9]{1,6}|special_[0-9]{1,6}"
    "|(?:start|end|begin)_?of_?[a-z]{1,20}|(?:im|image)_(?:start|end)|think(?:ing)?|tool_(?:call|response)s?"
    "|fim_[a-z]{1,10}"
)
_ANGLED = re.compile(
    rf"{_FENCE_TAG}|<{_BAR}{_NAME}{_BAR}?>|<{_NAME}{_BAR}>"  # <|im_end|>, <|turn>, <turn|>
    rf"|<\s?/?\s?(?:{_NAMED})\s?/?>|<<\s?/?\s?SYS\s?>>",
    re.IGNORECASE,
)

_MARKERS = (
    "INST|SYS|SYSTEM_PROMPT|SYSTEM|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|MODEL_SETTINGS|THINK|BOS|EOS|PAD|UNK"
    "|CLS|SEP|g?MASK|(?:BEGIN|START|END|STOP)(?:[ _](?:OF[ _])?(?:THE[ _])?[a-z]{1,20}){1,2}"
)
_SQUARED = re.compile(rf"\[(\s?/?\s?(?:{_MARKERS})\s?)\]", re.IGNORECASE)

_VERDICT = re.compile(
    r"^([^\w\n]{0,12}(?:(?:the|my|final|overall)\s){0,2}(?:verdict|grade|judge?ment|ruling|"
    r"(?<=final\s)(?:answer|decision|rating|score)))"
    "(?=[^\\w\n:=\uff1a]{0,6}[:=\uff1a])",
    re.IGNORECASE | re.MULTILINE,
)

_SOFT = str.maketrans("<>", "\u2039\u203a")


def neutralise(text: str) -> str:
    """`text` with nothing left in it that a model could take for structure; a second time changes nothing.

    Fence tags and chat-template tokens get other brackets, a line that begins as a verdict gets `[quoted]` before its
    colon. Hand it text that is normalised: a disguised token is not looked for.
    """
    text = _ANGLED.sub(lambda found: found[0].translate(_SOFT), text)
    text = _SQUARED.sub(r"(\1)", text)
    return _VERDICT.sub(r"\1 [quoted]", text)


@dataclass(frozen=True)
class Fence:
    """A delimiter made for some texts, and the blocks that it closes them in. Make it with `around`."""

    delimiter: str

    @classmethod
    def around(cls, *texts: str, avoiding: str = "") -> Fence:
        """A fence whose delimiter occurs in none of `texts`; the same texts always get the same one.

        Nor does it occur in `avoiding`, but it is not made from that: a text that grows there keeps its fence.
        """
        folded = "\0".join((*texts, avoiding)).casefold()
        seed = _digest(texts)
        while (delimiter := _delimiter(seed)) in folded:
            seed = _digest((seed,))
        return cls(delimiter)

    def wrap(self, label: str, text: str, **attributes: str) -> str:
        """A block that shows `text`, neutralised, under `label`. Attributes without a value are left out."""
        said = "".join(f' {name}="{self._attribute(value)}"' for name, value in attributes.items() if value)
        return f"<{label} {self.delimiter}{said}>\n{self._inside(text)}\n</{label} {self.delimiter}>"

    def _attribute(self, value: str) -> str:
        line = " ".join(self._inside(value).split())
        return line.translate(_SOFT).replace('"', "'")

    def _inside(self, text: str) -> str:
        """Neutralised, and without the delimiter, which could stand in a text that `around` was not told of."""
        half = _LENGTH // 2
        begun = rf"({self.delimiter[:half]})(?={self.delimiter[half:]})"  # where the end of one begins the next, too
        return re.sub(begun, r"\1-", neutralise(text), flags=re.IGNORECASE)


def _delimiter(digest: str) -> str:
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in bytes.fromhex(digest)[:_LENGTH])


def _digest(parts: Iterable[str]) -> str:
    made = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        made.update(len(data).to_bytes(8, "big") + data)  # so that two splits of one text differ
    return made.hexdigest()
