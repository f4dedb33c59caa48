"""Whether a model reads what it is told at all."""

from __future__ import annotations

from critics import Message
from pipeline.errors import BadInput, ModelUnusable
from pipeline.llama import LlamaModel


def refuse_unheard(model: LlamaModel, told: Message) -> None:
    """Raise `ModelUnusable` where the chat template leaves a system message out, even in the user's turn: no identity
    can be made of nothing."""
    try:
        model.prompt([told, Message("user", "?")])
    except BadInput as exc:
        raise ModelUnusable(
            f"the chat template of {model.name} leaves system messages out, so that it is all the same what is told "
            f"({exc}): take a model whose template has them"
        ) from exc
