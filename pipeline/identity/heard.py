"""Whether a model reads what it is told at all."""

from __future__ import annotations

from critics import Message
from pipeline.errors import ModelUnusable
from pipeline.llama import LlamaModel


def refuse_unheard(model: LlamaModel, told: Message) -> None:
    """Raise `ModelUnusable` where the chat template leaves a system message out: no identity can be made of nothing."""
    asked = Message("user", "?")
    if model.prompt([told, asked]) == model.prompt([asked]):
        raise ModelUnusable(
            f"the chat template of {model.name} leaves system messages out, so that it is all the same what is told: "
            f"take a model whose template has them"
        )
