"""What a scoring gives, prompt by prompt."""

from __future__ import annotations

from critics import Usage
from pipeline.llama.engine import Engine, Scoring
from pipeline.llama.shared import common
from pipeline.llama.waiting import waited


def scored(engine: Engine, request: Scoring) -> list[tuple[tuple[float, ...], Usage]]:
    """The mass of each group after each prompt, and the tokens that it cost: what prompts share is the first one's."""
    mass = waited(engine.score(request)).mass
    shared = min(common(request.prompts[0], other) for other in request.prompts)
    return [
        (row, Usage(len(own) - (shared if index else 0), 0))
        for index, (own, row) in enumerate(zip(request.prompts, mass, strict=True))
    ]
