"""How an adapter is solved for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """`cells` is how many tokens of the chat template hold what is told (told.py), at most; none where nought.

    The rest is for where none do (lacking.py). `rank` is that of each layer's change. `step` is which part of what is
    missing each layer adds, `penalty` that of the ridge in units of the inputs' mean square: both keep it from learning
    its probes by heart (docs/identity.md). `asked` is how much a token of the user's counts beside one of the answer,
    `shared` one that all prompts begin with. `most` is what a layer's rank may come to where a patch is gone on from.

    `layers` are those that are changed; all when not given.
    """

    cells: int = 4
    rank: int = 64
    step: float = 0.6
    penalty: float = 10.0
    asked: float = 0.5
    shared: float = 4.0
    layers: frozenset[int] | None = None
    most: int | None = None

    def changes(self, layer: int) -> bool:
        return self.layers is None or layer in self.layers
