"""A labelled exchange as tokens: what all questions share, and for each question its own tokens and its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from critics import Conversation, Message
from pipeline.llama.model import LlamaModel
from pipeline.llama.shared import common
from pipeline.training.rows import Row

LONGEST = 900
"""Characters of a turn that training shows: longer ones cost more than they teach."""


@dataclass(frozen=True)
class Example:
    """`context` is what is judged, read with or without the adapter (see `JudgePlan.acts_on`); `stem` is how every
    question begins; then come the questions, of which `broken` are to be answered yes."""

    context: tuple[int, ...]
    stem: tuple[int, ...]
    branches: tuple[tuple[int, ...], ...]
    broken: tuple[bool, ...]


def tokenised(row: Row, model: LlamaModel) -> Example:
    """The row as the judge would put it to the model."""
    exchange = replace(
        row.exchange,
        conversation=tuple(Message(m.role, _shortened(m.content)) for m in row.exchange.conversation),
        draft=None if row.exchange.draft is None else row.exchange.draft[:LONGEST],
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


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 3]} … {text[-LONGEST * 2 // 3 :]}"
