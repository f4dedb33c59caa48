"""A LoRA adapter as a GGUF file that llama.cpp loads, whatever it was made by."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, GGUFWriter

from pipeline.errors import ModelMissing, ModelUnusable
from pipeline.files.replacing import replacing

Tensors = Mapping[str, npt.NDArray[np.float32]]
"""In pairs, by llama.cpp's names: `blk.3.ffn_down.weight.lora_a` of shape (rank, inputs), `.lora_b` (outputs, rank)."""

_ALPHA = "adapter.lora.alpha"


def write_lora(path: Path, tensors: Tensors, *, alpha: float, name: str, metadata: Mapping[str, str]) -> None:
    """Atomically, in half precision. What is applied is `alpha / rank` times b @ a. Raises `OutputFault`."""
    with replacing(path) as part, closing(GGUFWriter(part, "llama")) as writer:
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32(_ALPHA, alpha)
        for key, value in metadata.items():
            writer.add_string(key, value)
        halves = {key: np.ascontiguousarray(values.astype(np.float16)) for key, values in tensors.items()}
        for key, values in halves.items():
            writer.add_tensor(key, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        # Not the writer's own way, which is numpy's: that says nothing where there is no room for the last of it.
        assert writer.fout  # it is open by now
        (file,) = writer.fout
        writer.write_padding(file, file.tell())
        for values in halves.values():
            file.write(values.tobytes())
            writer.write_padding(file, values.nbytes)


def read_lora(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Raises `ModelMissing`, `ModelUnusable`."""
    return {tensor.name: np.asarray(tensor.data, np.float32) for tensor in _reader(path).tensors}


def read_alpha(path: Path) -> float | None:
    """None of a file that does not say, of which llama.cpp applies b @ a as it is. Raises as `read_lora` does."""
    return float(read_metadata(path, _ALPHA) or 0) or None


def read_metadata(path: Path, key: str) -> str:
    """The text under a key; empty where there is none. Raises as `read_lora` does."""
    field = _reader(path).get_field(key)
    return str(field.contents()) if field else ""


def _reader(path: Path) -> GGUFReader:
    if not path.is_file():
        raise ModelMissing(f"there is no adapter file {path}")
    try:
        return GGUFReader(path)
    except (ValueError, IndexError) as exc:
        raise ModelUnusable(f"{path} is not a GGUF file, or is damaged: {exc}") from exc
