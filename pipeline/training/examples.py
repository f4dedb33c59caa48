"""A labelled exchange as tokens: what all questions share, and for each question its own tokens and its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from critics import Conversation, Message, normalise
from pipeline.llama.model import LlamaModel
from pipeline.llama.shared import common
from pipeline.training.rows import Row

LONGEST = 900
"""Characters of a turn that is learnt from: longer ones cost more than they teach."""

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
    """Whether what is judged is longer than what is learnt from, so that the label may be about what is not seen."""
    return len(row.exchange.judged) > LONGEST


def whole(row: Row, model: LlamaModel) -> Example:
    """The row to be measured: all of it, but for what would not fit into a judge's usual context."""
    longest = len(row.text)
    example = tokenised(row, model, longest=longest)
    while len(example.context) > _AT_ONCE and longest > LONGEST:
        longest //= 2
        example = tokenised(row, model, longest=longest)
    return example


def tokenised(row: Row, model: LlamaModel, *, longest: int = LONGEST) -> Example:
    """The row as the judge would put it to the model, with so many characters of a turn."""
    draft = row.exchange.draft
    exchange = replace(
        row.exchange,
        conversation=tuple(Message(m.role, _shortened(m.content, longest)) for m in row.exchange.conversation),
        draft=None if draft is None else normalise(draft[:longest]).text,
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


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest // 3]} … {text[-longest * 2 // 3 :]}"
