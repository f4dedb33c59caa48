"""A trained adapter as PEFT keeps one: a folder with `adapter_config.json` and `adapter_model.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save

from pipeline.files.replacing import replacing, writing


def write_peft(folder: Path, state: Mapping[str, torch.Tensor], config: LoraConfig, *, base: str) -> None:
    """In single precision. `base` is what it says that it is for. Raises `OutputFault`.

    It is loaded onto the weights that it was trained on: `AutoModelForCausalLM.from_pretrained(…, gguf_file=…)`, then
    `PeftModel.from_pretrained(model, folder)`.
    """
    told = copy(config)
    told.base_model_name_or_path, told.inference_mode = base, True
    tensors = {name.replace(".default.", "."): tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        told.save_pretrained(str(folder))
        with replacing(folder / "adapter_model.safetensors") as part:
            # Its own way to a file makes one that nobody else can read.
            part.write_bytes(save(tensors, metadata={"format": "pt"}))
