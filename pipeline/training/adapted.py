"""A Llama that wears a low-rank adapter under training (Hu et al., arXiv 2106.09685), whatever it is trained for."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.utils import logging

_SIZE = 16
"""Tokens that lengths are rounded up to."""

_POOL = 16
"""Batches that are filled from one run of shuffled examples."""

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Plan:
    """How to train. `rate` is the peak learning rate; a step takes `batch` examples."""

    rank: int = 16
    alpha: int = 16
    rate: float = 1e-3
    batch: int = 8
    epochs: int = 1
    patience: int = 4
    check_every: int = 100
    seed: int = 0

    def steps(self, examples: int) -> int:
        """For so many examples, each of which is learnt from once an epoch."""
        return self.epochs * math.ceil(examples / self.batch)


class Adapted:
    """The weights of a GGUF file, an adapter for their linear layers, and the steps that were taken with it."""

    def __init__(self, weights: Path, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self._plan = plan
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        base = loaded(weights, torch.bfloat16)
        self.config = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=MODULES)
        # All in half precision, for speed; steps are taken on copies in single precision, or small ones would be lost.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name of yesterday
            self.model: Any = get_peft_model(base, self.config, autocast_adapter_dtype=False).to(self._device)
        self._inner: Any = self.model.base_model.model
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]
        shape = self.model.config
        self.heads = {"q_proj": shape.num_attention_heads, "k_proj": shape.num_key_value_heads}
        self._exact = [p.detach().float().clone() for p in self._parameters]
        self._optimiser = torch.optim.AdamW(self._exact, weight_decay=0.0)
        self.step = 0

    def adapter(self) -> dict[str, Any]:
        """What has been learnt, by PEFT's names, in single precision."""
        names = [name for name, p in self.model.named_parameters() if p.requires_grad]
        return {name: exact.clone() for name, exact in zip(names, self._exact, strict=True)}

    def state(self) -> dict[str, Any]:
        """All that it takes to go on from here."""
        return {"adapter": self.adapter(), "optimiser": self._optimiser.state_dict(), "step": self.step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there, or, with an adapter alone, compute with it."""
        for exact, learnt in zip(self._exact, state["adapter"].values(), strict=True):
            exact.copy_(learnt)
        self._show()
        if "optimiser" in state:
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def _trained(
        self,
        lengths: Sequence[int],
        steps: int,
        loss_of: Callable[[Sequence[int]], torch.Tensor],
        checked: Callable[[float], bool],
    ) -> Iterator[float]:
        """Take the steps from where it stands, giving each one's loss, which `loss_of` tells of the examples of its
        batch; of all, these are the lengths. `checked` is called with the mean loss as often as the plan says, and says
        whether to go on."""
        plan = self._plan
        chosen = _batches(lengths, plan.batch, steps, seed=plan.seed)
        recent: list[float] = []
        while self.step < steps:
            self.model.train()
            loss = loss_of(chosen[self.step])
            loss.backward()  # type: ignore[no-untyped-call]
            total = float(loss.detach())
            self._take_step(plan.rate * _schedule(self.step, steps))
            recent.append(total)
            yield total
            if self.step % plan.check_every == 0 or self.step == steps:
                if not checked(float(np.mean(recent))):
                    return
                recent.clear()

    def _take_step(self, rate: float) -> None:
        """One step down the gradient that the parameters hold."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        for exact, parameter in zip(self._exact, self._parameters, strict=True):
            exact.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(self._exact, 1.0)
        self._optimiser.step()
        self._show()
        self.step += 1

    def _show(self) -> None:
        """Let the model compute with what the steps have come to."""
        with torch.no_grad():
            for exact, parameter in zip(self._exact, self._parameters, strict=True):
                parameter.copy_(exact)

    def _tensor(self, values: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)


def _batches(lengths: Sequence[int], size: int, steps: int, *, seed: int) -> list[list[int]]:
    """Which examples each step takes: each one once an epoch, in random order, but of like lengths together, since the
    longest counts."""
    draw = random.Random(seed)
    found = list[list[int]]()
    while len(found) < steps:
        order, epoch = list(range(len(lengths))), list[list[int]]()
        draw.shuffle(order)
        for start in range(0, len(order), size * _POOL):
            pool = sorted(order[start : start + size * _POOL], key=lengths.__getitem__)
            epoch += [pool[i : i + size] for i in range(0, len(pool), size)]
        draw.shuffle(epoch)
        found += epoch
    return found[:steps]


def rounded(length: int) -> int:
    """Up to one of a few sizes, each of which is compiled once: for every other, oneDNN would compile anew."""
    return length + -length % _SIZE


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first twentieth, then down a cosine to a twentieth."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def loaded(weights: Path, precision: torch.dtype) -> Any:
    """A GGUF file's model, its weights dequantised. What transformers would tell of it unasked is not shown."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with redirect_stderr(StringIO()):  # its progress bar takes no orders
            return AutoModelForCausalLM.from_pretrained(
                str(weights.parent),
                gguf_file=weights.name,
                quantization_config=GgufConfig(dequantize=True),
                dtype=precision,
                attn_implementation="eager",  # sdpa's backward pass is slower on a processor
            )
    finally:
        logging.set_verbosity(verbosity)
