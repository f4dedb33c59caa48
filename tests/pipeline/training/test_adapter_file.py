"""An adapter's file read back is what was written, and what is not one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline.errors import ModelMissing, ModelUnusable
from pipeline.llama import ACTS_ON, MADE_FOR, LlamaModel
from pipeline.training.adapter_file import read_adapter, write_adapter

HEADS = {"q_proj": 9, "k_proj": 3}
_IN, _OUT, RANK = 576, {"q_proj": 576, "k_proj": 192, "v_proj": 192}, 4


def learnt(rank: int = RANK) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    found = {}
    for module, width in _OUT.items():
        name = f"base_model.model.model.layers.3.self_attn.{module}.lora"
        found[f"{name}_A.default.weight"] = torch.randn(rank, _IN).half().float()
        found[f"{name}_B.default.weight"] = torch.randn(width, rank).half().float()
    return found


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "judge.gguf"
    write_adapter(path, learnt(), alpha=8, heads=HEADS, name="a judge", metadata={ACTS_ON: "question", MADE_FOR: "abc"})
    return path


def test_what_is_read_is_what_was_written(written: Path) -> None:
    found = read_adapter(written, learnt(), alpha=8, heads=HEADS)
    assert found.keys() == learnt().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in learnt().items())


def test_the_halves_of_a_head_are_interleaved_in_the_file(written: Path) -> None:
    """Else the test above would pass with a file that llama.cpp reads wrongly."""
    as_it_lies = read_adapter(written, learnt(), alpha=8, heads={})
    key = "base_model.model.model.layers.3.self_attn.q_proj.lora_B.default.weight"
    assert torch.equal(as_it_lies[key][:4], learnt()[key][[0, 32, 1, 33]])


@pytest.mark.parametrize(("said", "applied"), [(8, 16), (2, 8), (0, 8)])
def test_it_is_as_strong_as_its_file_says(tmp_path: Path, said: float, applied: float) -> None:
    """Whatever it is applied with here; of a file that says nothing, llama.cpp applies what it holds as it is."""
    path = tmp_path / "judge.gguf"
    write_adapter(path, learnt(), alpha=said, heads=HEADS, name="a judge", metadata={})
    found = read_adapter(path, learnt(), alpha=applied, heads=HEADS)
    for name, tensor in learnt().items():
        strength = 1 if "_A" in name else (said or RANK) / applied
        assert torch.equal(found[name], tensor * strength)


def test_llama_cpp_reads_what_is_said_of_it(written: Path, model: LlamaModel) -> None:
    assert model.adapter_metadata(written, ACTS_ON) == "question"
    assert model.adapter_metadata(written, MADE_FOR) == "abc"
    assert model.adapter_metadata(written, "superego.nothing") == ""


def test_another_rank_cannot_be_gone_on_from(written: Path) -> None:
    with pytest.raises(ModelUnusable, match="another rank"):
        read_adapter(written, learnt(rank=8), alpha=8, heads=HEADS)


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        read_adapter(tmp_path / "none.gguf", learnt(), alpha=8, heads=HEADS)
    (tmp_path / "text.gguf").write_text("GGUF? No, a text, and long enough to be looked at as a header at least.")
    with pytest.raises(ModelUnusable, match="damaged"):
        read_adapter(tmp_path / "text.gguf", learnt(), alpha=8, heads=HEADS)
