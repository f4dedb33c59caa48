"""Low-rank adaptation (Hu et al., arXiv 2106.09685) of a model that is asked about an exchange.

The adapter acts on all that is read, or on the question alone, after activated LoRA (Greenewald et al., arXiv
2504.12397): then the exchange is read by the untouched model, so that what a generator has in its cache can be judged
where it stands, and training needs no gradient for it. Either way an exchange is read once for all rules that it is
asked about.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import log_softmax
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.utils import logging

from pipeline.training.examples import Example

_SIZE = 16
"""Tokens that lengths are rounded up to."""

_POOL = 16
"""Batches that are filled from one run of shuffled examples."""

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Plan:
    """How to train. `rate` is the peak learning rate; a step takes `batch` exchanges."""

    acts_on: Literal["exchange", "question"] = "exchange"
    rank: int = 16
    alpha: int = 32
    rate: float = 3e-4
    batch: int = 8
    epochs: int = 1
    patience: int = 4
    check_every: int = 100
    seed: int = 0

    def steps(self, examples: int) -> int:
        """For so many examples."""
        return math.ceil(self.epochs * examples / self.batch)


class Trainer:
    """A model under training. `yes` and `no` are the tokens that spell the two answers."""

    def __init__(self, weights: Path, plan: Plan, *, yes: Sequence[int], no: Sequence[int]) -> None:
        torch.manual_seed(plan.seed)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        base = _loaded(weights)
        config = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=MODULES)
        # All in half precision, for speed; steps are taken on copies in single precision, or small ones would be lost.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name of yesterday
            self.model: Any = get_peft_model(base, config, autocast_adapter_dtype=False).to(self._device)
        self._inner: Any = self.model.base_model.model
        self.plan = plan
        self._answers = [torch.tensor(list(group), device=self._device) for group in (no, yes)]
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]
        shape = self.model.config
        self.heads = {"q_proj": shape.num_attention_heads, "k_proj": shape.num_key_value_heads}
        self._exact = [p.detach().float().clone() for p in self._parameters]
        self._optimiser = torch.optim.AdamW(self._exact, lr=plan.rate, weight_decay=0.0)
        self.step = 0

    def train(self, examples: Sequence[Example], steps: int, checked: Callable[[float], bool]) -> Iterator[float]:
        """Take the steps from where it stands, giving each one's loss. `checked` is called with the mean loss as often
        as the plan says, and says whether to go on."""
        plan = self.plan
        batches = self._batches(examples, steps)
        recent: list[float] = []
        while self.step < steps:
            self.model.train()
            for group in self._optimiser.param_groups:
                group["lr"] = plan.rate * _schedule(self.step, steps)
            batch = [examples[index] for index in batches[self.step]]
            logs = self._log_probabilities(batch)
            truth = torch.tensor([broken for example in batch for broken in example.broken], device=self._device)
            loss = -logs.gather(1, truth.long()[:, None]).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            total = float(loss.detach())
            self._take_step()
            self.step += 1
            recent.append(total)
            yield total
            if self.step % plan.check_every == 0 or self.step == steps:
                if not checked(float(np.mean(recent))):
                    return
                recent.clear()

    def probabilities(self, examples: Sequence[Example]) -> npt.NDArray[np.float64]:
        """Of *yes* against *no*, for each question of each example, in order."""
        self.model.eval()
        found = [np.zeros(0)]
        for start in range(0, len(examples), self.plan.batch):
            with torch.no_grad():
                logs = self._log_probabilities(examples[start : start + self.plan.batch]).double()
            found.append(torch.softmax(logs, dim=1)[:, 1].cpu().numpy())
        return np.concatenate(found)

    def adapter(self) -> dict[str, Any]:
        """What has been learnt, by PEFT's names, in single precision."""
        names = [name for name, p in self.model.named_parameters() if p.requires_grad]
        return {name: exact.clone() for name, exact in zip(names, self._exact, strict=True)}

    def state(self) -> dict[str, Any]:
        """All that it takes to go on from here."""
        return {"adapter": self.adapter(), "optimiser": self._optimiser.state_dict(), "step": self.step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there, or, with an adapter alone, judge with it."""
        for exact, learnt in zip(self._exact, state["adapter"].values(), strict=True):
            exact.copy_(learnt)
        self._show()
        if "optimiser" in state:
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def _take_step(self) -> None:
        for exact, parameter in zip(self._exact, self._parameters, strict=True):
            exact.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(self._exact, 1.0)
        self._optimiser.step()
        self._show()

    def _show(self) -> None:
        """Let the model compute with what the steps have come to."""
        with torch.no_grad():
            for exact, parameter in zip(self._exact, self._parameters, strict=True):
                parameter.copy_(exact)

    def _log_probabilities(self, batch: Sequence[Example]) -> torch.Tensor:
        """Log-probability, out of everything, of *no* and of *yes* after each question, shape (questions, 2)."""
        said = _rounded(max(len(example.context) for example in batch))
        contexts = np.zeros((len(batch), said), dtype=np.int64)
        for row, example in enumerate(batch):
            contexts[row, : len(example.context)] = example.context
        read = self._read(self._tensor(contexts))
        packed = _Packed.of(batch, said)
        found = self._inner.model(
            input_ids=self._tensor(packed.ids),
            position_ids=self._tensor(packed.positions),
            attention_mask=self._added(packed.mask),
            past_key_values=read.past_key_values,
            use_cache=True,
        )
        logits = self._inner.lm_head(found.last_hidden_state[packed.rows, packed.last]).float()
        logs = log_softmax(logits, dim=-1)
        return torch.stack([torch.logsumexp(logs[:, group], dim=1) for group in self._answers], dim=1)

    def _read(self, contexts: torch.Tensor) -> Any:
        """What the questions will attend to."""
        if self.plan.acts_on == "exchange":
            return self._inner.model(input_ids=contexts, use_cache=True)
        with torch.no_grad(), self.model.disable_adapter():
            return self._inner.model(input_ids=contexts, use_cache=True)

    def _added(self, mask: npt.NDArray[np.bool_]) -> torch.Tensor:
        """What is added to the attention scores: next to nothing is left of those that are not to be seen."""
        unseen = torch.zeros(mask.shape, dtype=torch.bfloat16, device=self._device)
        return unseen.masked_fill(~self._tensor(mask), torch.finfo(torch.bfloat16).min)

    def _tensor(self, values: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)

    def _batches(self, examples: Sequence[Example], steps: int) -> list[list[int]]:
        """Which examples each step takes: in random order, but of like lengths together, since the longest counts."""
        draw = random.Random(self.plan.seed)
        size, batches = self.plan.batch, list[list[int]]()
        while len(batches) < steps:
            epoch = list(range(len(examples)))
            draw.shuffle(epoch)
            for start in range(0, len(epoch), size * _POOL):
                pool = sorted(epoch[start : start + size * _POOL], key=lambda index: len(examples[index].context))
                batches += [pool[i : i + size] for i in range(0, len(pool), size)]
            draw.shuffle(batches)
        return batches[:steps]


def _loaded(weights: Path) -> Any:
    """The model in half precision. What transformers would tell of it unasked is not shown."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with redirect_stderr(StringIO()):  # its progress bar takes no orders
            return AutoModelForCausalLM.from_pretrained(
                str(weights.parent),
                gguf_file=weights.name,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.bfloat16,
                attn_implementation="eager",  # sdpa's backward pass is slower on a processor
            )
    finally:
        logging.set_verbosity(verbosity)


@dataclass(frozen=True)
class _Packed:
    """All questions of each example as one run of tokens: ids, positions, who may attend to what, and where each
    question's last token is."""

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    mask: npt.NDArray[np.bool_]
    rows: list[int]
    last: list[int]

    @classmethod
    def of(cls, batch: Sequence[Example], said: int) -> _Packed:
        """`said` is how long the contexts are, with what fills them up, which nobody attends to."""
        longest = _rounded(max(len(e.stem) + sum(map(len, e.branches)) for e in batch))
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros((len(batch), 1, longest, said + longest), dtype=np.bool_)
        packed = cls(ids, np.zeros_like(ids), mask, [], [])
        for row, example in enumerate(batch):
            packed._add(row, example, said)
        return packed

    def _add(self, row: int, example: Example, said: int) -> None:
        heard, stem = len(example.context), len(example.stem)
        mask = self.mask[row, 0]
        mask[:, :heard] = True
        self._put(row, 0, example.stem, heard)
        mask[:stem, said : said + stem] = np.tri(stem, dtype=np.bool_)
        start = stem
        for branch in example.branches:
            end = start + len(branch)
            self._put(row, start, branch, heard + stem)
            mask[start:end, said : said + stem] = True
            mask[start:end, said + start : said + end] = np.tri(len(branch), dtype=np.bool_)
            self.rows.append(row)
            self.last.append(end - 1)
            start = end

    def _put(self, row: int, start: int, ids: Sequence[int], position: int) -> None:
        self.ids[row, start : start + len(ids)] = ids
        self.positions[row, start : start + len(ids)] = range(position, position + len(ids))


def _rounded(length: int) -> int:
    """Up to one of a few sizes, each of which is compiled once: for every other, oneDNN would compile anew."""
    return length + -length % _SIZE


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first twentieth, then down a cosine to a twentieth."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
