"""How an adapter is solved for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """`cells` says whether the tokens of the chat template may hold what is told (told.py), of which `rank` is then how
    many do, at most.

    The rest is for where they cannot (lacking.py). `step` is which part of what is missing each layer adds, `penalty`
    that of the ridge in units of the inputs' mean square: both keep it from learning its probes by heart
    (docs/identity.md). `asked` is how much a token of the user's counts beside one of the answer, `shared` one that all
    prompts begin with. `most` is what a layer's rank may come to where a patch is gone on from.

    `layers` are those that are changed; all when not given.
    """

    cells: bool = True
    rank: int = 64
    step: float = 0.6
    penalty: float = 10.0
    asked: float = 0.5
    shared: float = 4.0
    layers: frozenset[int] | None = None
    most: int | None = None

    def changes(self, layer: int) -> bool:
        return self.layers is None or layer in self.layers
