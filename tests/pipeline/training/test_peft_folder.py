"""The folder that PEFT reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import LoraConfig

from pipeline.errors import OutputFault
from pipeline.training.peft_folder import write_peft

STATE = {"model.layers.3.self_attn.q_proj.lora_A.default.weight": torch.zeros(2, 4)}


def test_whoever_may_read_one_file_of_it_may_read_the_other(tmp_path: Path) -> None:
    """What a library writes by itself, nobody else can read."""
    folder = tmp_path / "peft"
    write_peft(folder, STATE, LoraConfig(r=2), base="small")
    config, weights = (folder / name for name in ("adapter_config.json", "adapter_model.safetensors"))
    assert weights.stat().st_mode == config.stat().st_mode


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "peft").write_text("in the way")
    with pytest.raises(OutputFault, match="cannot be written"):
        write_peft(tmp_path / "peft", STATE, LoraConfig(r=2), base="small")
