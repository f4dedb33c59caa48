"""Where the answer begins, for models that think first."""

from __future__ import annotations

import re

from critics.errors import Unreadable

_FINAL = re.compile(r"<\|channel\|>final[^<]{0,80}<\|message\|>")
_ENDING = re.compile(r"\s*(?:<\|(?:return|end|eot_id|eot|im_end|end_of_text)\|>\s*)+\Z")
_STILL = "the guard model was still thinking when its answer ended"


def answer_in(text: str) -> tuple[int, int]:
    """From where to where the answer stands in a text: after the reasoning, before the tokens that end a turn.

    Reasoning is `<think>…</think>`, or every channel but `final` of OpenAI's harmony format, also where a server has
    dropped its control tokens and left the channels' names. Raises `Unreadable` where it does not end.
    """
    ending = _ENDING.search(text)
    end = ending.start() if ending else len(text)
    start = _after_channels(text[:end])
    closed = text.rfind("</think>", start, end)
    if closed >= 0:
        start = closed + len("</think>")
    if "<think>" in text[start:end]:
        raise Unreadable(_STILL)
    return start, end


def _after_channels(text: str) -> int:
    if "<|channel|>" in text:
        ends = [found.end() for found in _FINAL.finditer(text)]
        if not ends or "<|channel|>" in text[ends[-1] :]:
            raise Unreadable(_STILL)
        return ends[-1]
    if text.lstrip().startswith("analysis"):
        _, found, answer = text.rpartition("assistantfinal")
        if not found:
            raise Unreadable(_STILL)
        return len(text) - len(answer)
    return 0
