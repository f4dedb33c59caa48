"""What stands behind a cache where no model is to be asked: it has nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

from critics import Exchange, Finding, Rule
from pipeline.drafting import DraftRequest, Generator, Pieces
from pipeline.errors import ModelFault


class NotKept(ModelFault):
    """It is not in the store, and no model is to be asked."""


class UnaskedGenerator:
    """Has the name of a generator, by which drafts are kept, and drafts nothing. Raises `NotKept`."""

    def __init__(self, generator: Generator) -> None:
        self.name = generator.name
        self.can_continue = generator.can_continue

    def __call__(self, request: DraftRequest) -> Pieces:  # noqa: ARG002
        raise NotKept("no such draft is kept")


def unasked_critic(exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:  # noqa: ARG001
    """A critic that judges nothing, so that what is not kept is undecided. Raises `NotKept`."""
    raise NotKept("no such verdict is kept")
