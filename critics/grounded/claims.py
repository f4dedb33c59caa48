"""Which sentences of a draft claim something that can be checked."""

from __future__ import annotations

import re

from critics.finding import Span
from critics.grounded.facts.names import names
from critics.grounded.facts.numbers import numbers
from critics.semantic.parts import parts
from critics.text.sentences import sentences

_LEAST = 3  # words: "Sure, gladly!" and most headings have fewer
_MOST = 25  # words: whoever only greets or hedges is done by then

_WRAPPED = re.compile(r"(?<=[^\n]{40})(?<![.!?:;])\n(?=\w)(?!\d{1,3}[.)])")
_WORDS = re.compile(r"[^\W_]+")
_MARKUP = re.compile(r"^(?:\s*(?:[-*•>#|+]+|\d{1,3}[.)])(?=\s|$))+\s*|\s?\[\d{1,3}(?:, ?\d{1,3})*\]")
_QUESTION = re.compile(
    r"(?:and |or |but |so |well,? |then )?(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|am|do|does|"
    r"did|can|could|will|would|shall|should|may|might|must|have|has|had|any|anything)\b.*\?[\"'”’»)*_]*",
    re.IGNORECASE | re.DOTALL,
)
_TELLING = re.compile(r"did you know|, (?:right|correct|no|yes)\?|n['’]t (?:it|he|she|they|that)\?", re.IGNORECASE)
_OPENERS = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day|question)|thank you|thanks?|sure|certainly|"
    r"of course|welcome|sorry|yes|okay|ok|great|you['’]re welcome)\b"
    r"(?: (?:there|all|everyone|again|so much|very much|for asking))?[\s,.!:–—-]*)+",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"(?:please|feel free|let me know|here (?:is|are)|here['’]s|i hope|happy to|glad to|i have no|"
    r"i['’]?(?: a)?m (?:(?:happy|glad) to|sorry|not sure|not certain|unsure)|"
    r"i(?: can| could| would|['’]d| will|['’]ll) (?:gladly |be (?:happy|glad) to )?(?:help|try|explain|look)|"
    r"i (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t) (?:know|say|tell|find|answer|confirm|verify)|"
    r"(?:the|these|my) (?:sources?|documents?|context) (?:do|does) not (?:say|mention|tell))\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\b(?:but|however|although|though|because|since|nevertheless)\b|[;:–—]\s*\w", re.IGNORECASE)


def claims(text: str) -> tuple[Span, ...]:
    """The sentences that claim something, in parts where one is too long to be embedded whole.

    Left out are questions that begin as such, sentences of fewer than three words (a greeting not counted) without a
    number, and offers and hedges of up to 25 words that hold neither number nor name and go on with no *but*.
    """
    return tuple(span for span in pieces(text) if _claims(bare(text[slice(*span)])))


def pieces(text: str) -> list[Span]:
    """The sentences of a text that have words, in parts where one is long."""
    text = unwrapped(text)
    cut = (
        Span(sentence.start + part.start, sentence.start + part.end)
        for sentence in sentences(text)
        for part in parts(text[slice(*sentence)])
    )
    return [span for span in cut if _WORDS.search(bare(text[slice(*span)]))]


def unwrapped(text: str) -> str:
    """A text without the line breaks inside its sentences, as far as that can be seen; as long as before."""
    return _WRAPPED.sub(" ", text)


def bare(sentence: str) -> str:
    """A sentence without the marks of a list before it, and without references such as `[1]`."""
    return _MARKUP.sub("", sentence).strip()


def _claims(sentence: str) -> bool:
    if _QUESTION.fullmatch(sentence) and not _TELLING.search(sentence):
        return False
    rest = _OPENERS.sub("", sentence)
    words = _WORDS.findall(rest)
    if numbers(rest):
        return True
    if len(words) < _LEAST:
        return False
    return bool(names(rest)) or len(words) > _MOST or not _SAYS_NOTHING.match(rest) or bool(_GOES_ON.search(rest))
