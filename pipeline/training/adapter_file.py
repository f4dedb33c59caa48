"""A trained adapter as a GGUF file that llama.cpp loads, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pipeline.errors import ModelUnusable
from pipeline.files.lora_file import read_alpha, read_lora, write_lora

_NAME = re.compile(r"model\.layers\.(\d+)\.\w+\.(\w+_proj)\.lora_([AB])\.(?:default\.)?weight$")
_PARTS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def write_adapter(
    path: Path,
    state: Mapping[str, Any],
    *,
    alpha: float,
    heads: Mapping[str, int],
    name: str,
    metadata: Mapping[str, str],
) -> None:
    """Write PEFT's tensors of a Llama under llama.cpp's names, atomically, in half precision.

    `metadata` is what the file is to say of itself beside that: under `MADE_FOR`, the weights that it was trained on.
    `heads` tells how many `q_proj` and `k_proj` have: llama.cpp keeps the two halves of a head interleaved where
    transformers keeps them one after the other (its convert_hf_to_gguf.py, `permute`).
    """
    tensors = {}
    for key, tensor in state.items():
        found = _NAME.search(key)
        if found is None:
            raise ValueError(f"{key} is not a tensor of a Llama's linear layers")
        module, side = found[2], found[3]
        values = tensor.detach().float().cpu().numpy()
        if side == "B" and module in heads:
            values = _interleaved(values, heads[module])
        tensors[_target(key)] = values
    write_lora(path, tensors, alpha=alpha, name=name, metadata=metadata)


def read_adapter(
    path: Path, like: Mapping[str, Any], *, alpha: float, heads: Mapping[str, int]
) -> dict[str, torch.Tensor]:
    """What `write_adapter` wrote, by the names and in the shapes of `like`; applied with `alpha`, it is as strong as
    the file says. Raises `ModelMissing`, `ModelUnusable`."""
    tensors, told = read_lora(path), read_alpha(path)
    found = {}
    for key, wanted in like.items():
        module, side = _NAME.search(key).groups()[1:]  # type: ignore[union-attr]  # they are the trainer's own names
        values = tensors.get(_target(key))
        if values is None or values.shape != tuple(wanted.shape):
            raise ModelUnusable(f"{path} cannot be gone on from: it is for another model, or has another rank")
        if side == "B" and module in heads:
            values = _apart(values, heads[module])
        if side == "B":
            values = values * ((told or wanted.shape[1]) / alpha)
        found[key] = torch.from_numpy(np.ascontiguousarray(values))
    return found


def _target(key: str) -> str:
    layer, module, side = _NAME.search(key).groups()  # type: ignore[union-attr]  # looked at before
    return f"blk.{layer}.{_PARTS[module]}.weight.lora_{side.lower()}"


def _apart(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _interleaved(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
