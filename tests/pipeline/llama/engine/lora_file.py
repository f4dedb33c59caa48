"""A LoRA adapter as a GGUF file (version 3), written by hand; no test of its own."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

_STRING, _FLOAT = 8, 6
_ALIGNMENT = 32


def write_lora(path: Path, tensors: Mapping[str, npt.NDArray[np.float32]], *, alpha: float) -> None:
    """`tensors` come in pairs, `NAME.lora_a` of shape (rank, inputs) and `NAME.lora_b` of (outputs, rank)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 4)
    for key, value in (("general.architecture", "llama"), ("general.type", "adapter"), ("adapter.type", "lora")):
        head += _string(key) + struct.pack("<I", _STRING) + _string(value)
    head += _string("adapter.lora.alpha") + struct.pack("<If", _FLOAT, alpha)
    data = b""
    for name, tensor in tensors.items():
        dimensions = tensor.shape[::-1]  # the fastest first
        head += _string(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, 0, len(data))
        data += _padded(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
    path.write_bytes(_padded(head) + data)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
