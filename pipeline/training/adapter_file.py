"""A trained adapter as a GGUF file that llama.cpp loads."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFWriter

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


def write_adapter(path: Path, state: Mapping[str, Any], *, alpha: float, heads: Mapping[str, int], name: str) -> None:
    """Write PEFT's tensors of a Llama under llama.cpp's names, atomically, in half precision.

    `heads` tells how many `q_proj` and `k_proj` have: llama.cpp keeps the two halves of a head interleaved where
    transformers keeps them one after the other (its convert_hf_to_gguf.py, `permute`).
    """
    part = path.with_name(f".{path.name}.part")
    writer = GGUFWriter(part, "llama")
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for key, tensor in state.items():
        found = _NAME.search(key)
        if found is None:
            raise ValueError(f"{key} is not a tensor of a Llama's linear layers")
        layer, module, side = found.groups()
        values = tensor.detach().float().cpu().numpy()
        if side == "B" and module in heads:
            values = _interleaved(values, heads[module])
        target = f"blk.{layer}.{_PARTS[module]}.weight.lora_{side.lower()}"
        writer.add_tensor(target, np.ascontiguousarray(values.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def _interleaved(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
