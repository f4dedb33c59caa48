"""Which sentences of a draft claim something that can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from critics.finding import Span
from critics.grounded.facts.names import names
from critics.grounded.facts.numbers import has_number
from critics.semantic.parts import parts
from critics.text.sentences import sentences
from critics.text.unspaced import UNSPACED

_LEAST = 3  # words: "Sure, gladly!" and most headings have fewer
_MOST = 25  # words: whoever only greets or hedges is done by then

_WRAPPED = re.compile(r"(?<=[^\n]{40})(?<![.!?:;])\n(?=\w)(?!\d{1,3}[.)])")
_WORDS = re.compile(rf"(?=\w)[{UNSPACED}]|[^\W_{UNSPACED}]+")
_MARKUP = re.compile(r"^(?:\s*(?:[-*•>#|+]+|\d{1,3}[.)])(?=\s|$))+\s*|\s?\[\d{1,3}(?:, ?\d{1,3})*\]")
_QUESTION = re.compile(
    r"(?:and |or |but |so |well,? |then )?(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|am|do|does|"
    r"did|can|could|will|would|shall|should|may|might|must|have|has|had|any|anything)\b.*\?[\"'”’»)*_]*",
    re.IGNORECASE | re.DOTALL,
)
_TELLING = re.compile(r"did you know|, (?:right|correct|no|yes)\?|n['’]t (?:it|he|she|they|that)\?", re.IGNORECASE)
_OPENERS = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day|question)|thank you|thanks?|sure|certainly|"
    r"of course|welcome|sorry|yes|okay|ok|great|you['’]re welcome|cheers|(?:yours )?sincerely|"
    r"(?:best|kind|warm(?:est)?) (?:regards|wishes))\b"
    r"(?: (?:there|all|everyone|again|so much|very much|for asking))?[\s,.!:–—-]*)+",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"(?:please(?! (?:note|remember|be aware)\b)|feel free|let me know|here (?:is|are)|here['’]s|i hope|"
    r"happy to|glad to|i have no|"
    r"i['’]?(?: a)?m (?:(?:happy|glad) to|sorry|not sure|not certain|unsure)|"
    r"i(?: can| could| would|['’]d| will|['’]ll) (?:gladly |be (?:happy|glad) to )?(?:help|try|explain|look)|"
    r"i (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t) (?:know|say|tell|find|answer|confirm|verify)|"
    r"(?:the|these|my) (?:sources?|documents?|context) (?:do|does) not (?:say|mention|tell))\b",
    re.IGNORECASE,
)
_BUT = re.compile(r"\b(?:but|however|although|though|because|since|nevertheless)\b|[;:–—]\s*\w", re.IGNORECASE)

_STOP = re.compile("[.!?\u2026\u3002\uff61][\"'\u201d\u2019\u00bb)\\]*_]*$")
_LEAD_IN = re.compile(r"#|\*\*[^*]+\*\*$|.*:[*_]*$", re.DOTALL)


@dataclass(frozen=True)
class _Piece:
    """A sentence as it stands, and the rest of it: without marks of lists and greetings."""

    span: Span
    text: str
    rest: str
    words: int
    has_number: bool

    @property
    def is_short(self) -> bool:
        return self.words < _LEAST and not self.has_number

    @property
    def is_greeting(self) -> bool:
        return self.is_short and self.rest != bare(self.text)

    def goes_on_in(self, after: _Piece) -> bool:
        """Whether a line break may have cut one sentence or list in two: between short lines, behind a colon, or where
        small letters follow. A heading begins anew, a greeting stands alone."""
        if _STOP.search(self.text) or self.is_greeting or after.is_greeting or _LEAD_IN.match(after.text):
            return False
        if after.text[0].islower():
            return self.is_short or after.is_short
        return after.is_short and (self.is_short or _LEAD_IN.match(self.text) is not None)


def claims(text: str) -> tuple[Span, ...]:
    """The sentences that claim something, in parts where one is too long to be embedded whole.

    Left out are questions that begin as such, sentences of fewer than three words (a greeting not counted) without a
    number, and offers and hedges of up to 25 words that hold neither number nor name and go on with no *but*. Lines
    between which a sentence or a list may go on are counted together, and so are all where nothing else is claimed.
    """
    whole = unwrapped(text)
    said = [piece for span in pieces(text) if not _says_nothing(piece := _piece(whole, span))]
    return tuple([*_claims(whole, _runs(said))] or [*_claims(whole, [said])])


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
    """A sentence in one line, without the marks of a list before it or its lines, and without references: `[1]`."""
    return " ".join(filter(None, (_MARKUP.sub("", line).strip() for line in sentence.split("\n"))))


def _piece(text: str, span: Span) -> _Piece:
    sentence = text[slice(*span)]
    rest = _OPENERS.sub("", bare(sentence))
    return _Piece(span, sentence, rest, len(_WORDS.findall(rest)), has_number(rest))


def _says_nothing(piece: _Piece) -> bool:
    """A question, an offer or a hedge."""
    sentence = bare(piece.text)
    if _QUESTION.fullmatch(sentence) and not _TELLING.search(sentence):
        return True
    if piece.has_number or piece.words > _MOST or names(piece.rest):
        return False
    return _SAYS_NOTHING.match(piece.rest) is not None and not _BUT.search(piece.rest)


def _runs(said: Iterable[_Piece]) -> list[list[_Piece]]:
    """Sentences one by one, but together where a line break may have cut them."""
    runs: list[list[_Piece]] = []
    for piece in said:
        if runs and runs[-1][-1].goes_on_in(piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _claims(text: str, runs: Iterable[Sequence[_Piece]]) -> Iterator[Span]:
    for run in runs:
        if sum(piece.words for piece in run) >= _LEAST or any(piece.has_number for piece in run):
            start, end = run[0].span.start, run[-1].span.end
            yield from (Span(start + part.start, start + part.end) for part in parts(text[start:end]))
