"""Whether an adapter does what it is for, and little else: as llama.cpp computes it, on prompts that it was not built
from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from critics import Message
from pipeline.identity.compare import Form, effects
from pipeline.identity.steer.probes import Probe
from pipeline.llama import Adapter, LlamaModel

MOST_PERPLEXITY = 1.05
"""An adapter may make a neutral text so many times as surprising, and no more."""


@dataclass(frozen=True)
class Gate:
    """`plain` and `worn` are the divergence, in nats a token, from the model that is told the manifesto, without the
    adapter and with it; `perplexity` is a neutral text's with it, over what it is without."""

    plain: float
    worn: float
    perplexity: float

    @property
    def recovered(self) -> float:
        """The share of the manifesto's effect that is there without its being told."""
        return 1 - self.worn / self.plain

    @property
    def figures(self) -> dict[str, object]:
        """To be shown."""
        return {"recovered": round(self.recovered, 3), "perplexity": round(self.perplexity, 3)}

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it should not be used; nothing where it may be."""
        found = []
        if not self.worn < self.plain:
            found.append(
                f"on prompts that it was not built from, it takes the model away from the manifesto "
                f"({self.plain:.3f} nats a token without it, {self.worn:.3f} with it)"
            )
        if not self.perplexity <= MOST_PERPLEXITY:
            found.append(
                f"a neutral text is {self.perplexity:.2f} times as surprising with it, and {MOST_PERPLEXITY} is allowed"
            )
        return tuple(found)


def gated(adapter: Path, told: Message, held: Sequence[Probe], weights: Path, *, threads: int | None = None) -> Gate:
    """Measured on probes that were held out, at least one, which the model told `told` has answered, and on a neutral
    text."""
    forms = [Form("none"), Form("worn", adapters=(Adapter(adapter),))]
    found = effects(forms, told, held, LlamaModel(weights), threads=threads)
    return Gate(found["none"].divergence, found["worn"].divergence, found["worn"].perplexity)
