"""What a caller is told of an outcome: a message with its answer, and what came of it in the metadata."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from pipeline.errors import BadInput, ModelFault
from pipeline.files.records import manifesto_record
from pipeline.loop import Outcome, Withheld


def refuses(on_withheld: object) -> bool:
    """Whether a withheld answer is the refusal, and raises nothing. Raises `BadInput` for another word than these."""
    if on_withheld not in ("refuse", "raise"):
        raise BadInput(f"`on_withheld` is refuse or raise, not {on_withheld!r}")
    return on_withheld == "refuse"


def answer_of(outcome: Outcome, *, refuse: bool) -> str:
    """The released answer, or with `refuse` the refusal. Raises `Withheld`, and `ModelFault` where drafting failed."""
    if outcome.status == "faulted":
        raise outcome.cause or ModelFault(outcome.fault)
    if outcome.answer is None or not (refuse or outcome.status == "released"):
        raise Withheld(outcome)
    return outcome.answer


def spent(outcome: Outcome) -> UsageMetadata:
    """The tokens of all drafts, in LangChain's words."""
    usage = outcome.cost.generator
    return UsageMetadata(
        input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total
    )


def telling(message: AIMessage, told: dict[str, Any], beside: Iterable[AIMessage] = ()) -> AIMessage:
    """The message, with this in its metadata, and with what those `beside` it cost, which nobody is shown."""
    counted = [one.usage_metadata for one in (message, *beside) if one.usage_metadata is not None]
    usage = reduce(add_usage, counted) if counted else None  # a model need not count
    return message.model_copy(
        update={"response_metadata": {**message.response_metadata, **told}, "usage_metadata": usage}
    )


def metadata(outcome: Outcome, *, tell: bool = True) -> dict[str, Any]:
    """`finish_reason`, and with `tell` what happened: nothing of drafts, critiques or thresholds."""
    told: dict[str, Any] = {"finish_reason": outcome.finish_reason}
    return {**told, "superego": summary(outcome)} if tell else told


def summary(outcome: Outcome) -> dict[str, Any]:
    """What happened, in a few words and numbers."""
    cost = outcome.cost
    return {
        "outcome": outcome.status,
        "stop_reason": outcome.stop_reason,
        "attempts": len(outcome.attempts),
        "score": outcome.score,
        "manifesto": manifesto_record(outcome.manifesto),
        "generator": outcome.generator,
        "seed": outcome.seed,
        "critic_tokens": cost.critic.total,
        "seconds": round(cost.seconds, 3),
    }
