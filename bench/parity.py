"""How far llama.cpp is from torch with a trained adapter, beside how far it is without.

Both compute on the weights of one GGUF file, which torch makes exact. The divergences are means over the first 256
tokens of the project's neutral text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from peft import PeftModel

from pipeline.llama import PASSAGE, Adapter, LlamaModel, LlamaReader
from pipeline.training.adapted import loaded

TOKENS = 256

Logs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """Mean KL(torch || llama.cpp), in nats a token."""

    without: float
    worn: float


def parity(weights: Path, adapter: Path, peft: Path) -> Parity:
    """Of an adapter in both of its forms."""
    model = LlamaModel(weights)
    ids = model.tokenise(PASSAGE, False)[: TOKENS + 1]
    with LlamaReader(model, context=len(ids)) as reader:
        mine = reader.log_probabilities(ids, 1)
        reader.wear(Adapter(adapter))
        mine_worn = reader.log_probabilities(ids, 1)
    base = loaded(weights, torch.float32)
    theirs = _by_torch(base, ids)
    theirs_worn = _by_torch(PeftModel.from_pretrained(base, str(peft)), ids)
    return Parity(_divergence(theirs, mine), _divergence(theirs_worn, mine_worn))


def _by_torch(model: torch.nn.Module, ids: list[int]) -> Logs:
    with torch.no_grad():
        scores = model(torch.tensor([ids[:-1]])).logits[0].float()
    return np.asarray(torch.log_softmax(scores, -1).numpy())


def _divergence(truth: Logs, other: Logs) -> float:
    return float((np.exp(truth) * (truth - other)).sum(axis=1).mean())
