"""An adapter that is switched on for the question alone.

After activated LoRA (Greenewald et al., arXiv 2504.12397): the exchange is read by the untouched model, so that what a
generator has in its cache can be judged where it stands; the adapter acts on the question's own tokens. Training is
cheap for the same reason: the exchange needs no gradient, and is read once for all the rules that it is asked about.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from torch.nn.functional import log_softmax
from transformers import AutoModelForCausalLM, GgufConfig

from pipeline.training.examples import Example

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Plan:
    """How to train. `rate` is the peak learning rate; a step takes `batch` exchanges."""

    rank: int = 16
    alpha: int = 32
    rate: float = 3e-4
    batch: int = 8
    epochs: int = 1
    patience: int = 4
    check_every: int = 100
    seed: int = 0


class Trainer:
    """A model under training. `yes` and `no` are the tokens that spell the two answers."""

    def __init__(
        self, weights: Path, plan: Plan, *, yes: Sequence[int], no: Sequence[int], device: str = "cpu"
    ) -> None:
        torch.manual_seed(plan.seed)
        self._device = torch.device(device)
        base = AutoModelForCausalLM.from_pretrained(
            str(weights.parent),
            gguf_file=weights.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
            attn_implementation="sdpa",
        )
        config = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=MODULES, lora_dropout=0.05)
        self.model: Any = get_peft_model(base, config).to(self._device)
        self._inner: Any = self.model.base_model.model
        self._plan = plan
        self._answers = [torch.tensor(list(group), device=self._device) for group in (no, yes)]
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=plan.rate, weight_decay=0.0)
        self.step = 0

    def train(
        self, examples: Sequence[Example], steps: int, checked: Callable[[float], bool], every: int
    ) -> Iterator[float]:
        """Take the steps from where it stands, giving each one's loss. `checked` is called with the mean loss every so
        many steps, and says whether to go on."""
        plan = self._plan
        order = self._order(len(examples), steps * plan.batch)
        recent: list[float] = []
        while self.step < steps:
            self.model.train()
            for group in self.optimiser.param_groups:
                group["lr"] = plan.rate * _schedule(self.step, steps)
            total = 0.0
            for index in order[self.step * plan.batch : (self.step + 1) * plan.batch]:
                example = examples[index]
                logs = self._log_probabilities(example)
                truth = torch.tensor(example.broken, device=self._device).long()
                loss = -logs.gather(1, truth[:, None]).mean() / plan.batch
                loss.backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
            self.step += 1
            recent.append(total)
            yield total
            if self.step % every == 0 or self.step == steps:
                if not checked(float(np.mean(recent))):
                    return
                recent.clear()

    def probabilities(self, example: Example) -> npt.NDArray[np.float64]:
        """Of *yes* against *no*, for each question."""
        self.model.eval()
        with torch.no_grad():
            logs = self._log_probabilities(example).double()
        return np.asarray(torch.softmax(logs, dim=1)[:, 1].cpu())

    def state(self) -> dict[str, Any]:
        return {
            "adapter": {k: v.clone() for k, v in get_peft_model_state_dict(self.model).items()},
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "plan": asdict(self._plan),
        }

    def restore(self, state: dict[str, Any]) -> None:
        set_peft_model_state_dict(self.model, state["adapter"])
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def _log_probabilities(self, example: Example) -> torch.Tensor:
        """Log-probability, out of everything, of *no* and of *yes* after each question, shape (questions, 2)."""
        with torch.no_grad(), self.model.disable_adapter():
            read = self._inner.model(input_ids=self._ids(example.context), use_cache=True)
        ids, positions, mask, last = _packed(example)
        found = self._inner.model(
            input_ids=self._ids(ids),
            position_ids=torch.tensor(positions, device=self._device)[None],
            attention_mask=torch.from_numpy(mask)[None, None].to(self._device),
            past_key_values=read.past_key_values,
            use_cache=True,
        )
        logits = self._inner.lm_head(found.last_hidden_state[0, last]).float()
        logs = log_softmax(logits, dim=-1)
        return torch.stack([torch.logsumexp(logs[:, group], dim=1) for group in self._answers], dim=1)

    def _ids(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([list(ids)], device=self._device)

    def _order(self, count: int, wanted: int) -> list[int]:
        order: list[int] = []
        draw = random.Random(self._plan.seed)
        while len(order) < wanted:
            epoch = list(range(count))
            draw.shuffle(epoch)
            order += epoch
        return order[:wanted]


def _packed(example: Example) -> tuple[list[int], list[int], npt.NDArray[np.bool_], list[int]]:
    """All questions as one run of tokens: ids, positions, who may attend to what, and the last token of each."""
    said, stem = len(example.context), len(example.stem)
    ids, positions = list(example.stem), list(range(said, said + stem))
    total = stem + sum(map(len, example.branches))
    mask = np.zeros((total, said + total), dtype=np.bool_)
    mask[:, :said] = True
    mask[:stem, said : said + stem] = np.tri(stem, dtype=np.bool_)
    last = []
    for branch in example.branches:
        start, end = len(ids), len(ids) + len(branch)
        ids += branch
        positions += range(said + stem, said + stem + len(branch))
        mask[start:end, said : said + stem] = True
        mask[start:end, said + start : said + end] = np.tri(end - start, dtype=np.bool_)
        last.append(end - 1)
    return ids, positions, mask, last


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first twentieth, then down a cosine to a twentieth."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
