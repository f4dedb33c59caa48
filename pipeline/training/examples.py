"""A labelled exchange as tokens: what all questions share, and for each question its own tokens and its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from critics import Conversation, Exchange, Message, Source, normalise
from pipeline.llama.model import LlamaModel
from pipeline.llama.shared import common
from pipeline.training.rows import Row

LONGEST = 900
"""Characters of a turn that is learnt from, and of all sources together: longer ones cost more than they teach."""

_AT_ONCE = 4000
"""Tokens of an exchange that is measured: about what a judge reads at once where settings do not say otherwise."""


@dataclass(frozen=True)
class Example:
    """`context` is what is judged, read with or without the adapter (see `JudgePlan.acts_on`); `stem` is how every
    question begins; then come the questions, of which `broken` are to be answered yes."""

    context: tuple[int, ...]
    stem: tuple[int, ...]
    branches: tuple[tuple[int, ...], ...]
    broken: tuple[bool, ...]


def cut(row: Row) -> bool:
    """Whether what is judged, or its sources together, is longer than what is learnt from, so that the label may be
    about what is not seen."""
    return max(len(row.exchange.judged), _informed(row.exchange)) > LONGEST


def whole(row: Row, model: LlamaModel) -> Example:
    """The row to be measured: all of it, but for what would not fit into a judge's usual context."""
    longest = len(row.text) + _informed(row.exchange)
    example = tokenised(row, model, longest=longest)
    while len(example.context) > _AT_ONCE and longest > LONGEST:
        longest //= 2
        example = tokenised(row, model, longest=longest)
    return example


def tokenised(row: Row, model: LlamaModel, *, longest: int = LONGEST) -> Example:
    """The row as the judge would put it to the model, with so many characters of a turn, and of its sources."""
    draft = row.exchange.draft
    exchange = replace(
        row.exchange,
        conversation=tuple(Message(m.role, _shortened(m.content, longest)) for m in row.exchange.conversation),
        draft=None if draft is None else normalise(draft[:longest]).text,
        sources=_sources(row.exchange, longest),
    )
    asking = Conversation.unmasked(exchange, exchange.draft)
    questions = [asking.question(rule) for rule in row.labels]
    another = asking.question(next(iter(row.labels)).model_copy(update={"statement": "#"}))
    prompts = [tuple(model.prompt(question)) for question in questions]
    said = model.before_last(questions[0])
    stem = min(common(prompts[0], prompt) for prompt in (*prompts[1:], model.prompt(another)))
    return Example(
        prompts[0][:said],
        prompts[0][said:stem],
        tuple(prompt[stem:] for prompt in prompts),
        tuple(row.labels.values()),
    )


def _informed(exchange: Exchange) -> int:
    """Characters of its sources."""
    return sum(len(source.text) for source in exchange.sources)


def _sources(exchange: Exchange, longest: int) -> tuple[Source, ...]:
    """Where they are longer, each is shortened by the same share."""
    share = min(1.0, longest / max(1, _informed(exchange)))
    return tuple(
        replace(source, text=_shortened(source.text, math.ceil(share * len(source.text))))
        for source in exchange.sources
    )


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest // 3]} … {text[-longest * 2 // 3 :]}"
