"""Where the first breach of a draft begins, in tokens."""

from __future__ import annotations

from collections.abc import Sequence

from critics import Rule
from pipeline.llama import LlamaModel
from pipeline.loop import Attempt


def breach(model: LlamaModel, tokens: Sequence[int], attempt: Attempt) -> int | None:
    """The place among a draft's `tokens` of the one that its first breach begins with, if a critic said where. None
    of a draft that was mended in place, since critics speak of what it became, and of a rule of length, since what is
    too long does not begin with a token.

    A breach may begin within a token: it is that token's where more than half of its letters lie inside, else the
    next one's, as with "thanks!" where a mark after a letter is forbidden.
    """
    broken = [found for found in attempt.verdict.broken if not _of_length(found.rule)]
    begins = [span.start for judgement in broken for finding in judgement.findings for span in finding.spans]
    if not begins or attempt.judged != attempt.draft:
        return None
    begin, read = len(attempt.draft[: min(begins)].encode()), 0
    for place, token in enumerate(tokens):
        piece = model.piece(token)
        read += len(piece)
        if begin < read - len(piece.lstrip()) / 2:
            return place
    return None


def _of_length(rule: Rule) -> bool:
    options = rule.patterns
    return options is not None and any((options.characters, options.words, options.sentences))
