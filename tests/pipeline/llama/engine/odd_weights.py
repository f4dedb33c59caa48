"""Weights that remember otherwise than in cells alone, for want of real ones: tiny, drawn by lot, a token a byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFWriter, TokenType

KINDS = ("mamba", "lfm2", "gemma3")
"""A recurrent state, one beside cells, and a sliding window; by llama.cpp's names."""

WINDOW = 16
"""Tokens that are seen, by the kind that has a window."""
_WIDTH, _INNER, _HEAD, _LAYERS, _STATE, _STEP = 32, 64, 16, 4, 8, 4


def write_weights(path: Path, kind: str) -> None:
    writer = GGUFWriter(path, kind)
    writer.add_block_count(_LAYERS)
    writer.add_embedding_length(_WIDTH)
    writer.add_context_length(2048)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_hyperparameters(writer, kind)
    tokens = _add_vocabulary(writer)
    drawn = _Drawn(writer)
    drawn.matrix("token_embd", tokens, _WIDTH, scale=1)
    drawn.ones("token_embd_norm" if kind == "lfm2" else "output_norm", _WIDTH)
    for layer in range(_LAYERS):
        drawn.layer = f"blk.{layer}."
        drawn.ones("attn_norm", _WIDTH)
        if kind == "mamba":
            _add_mamba(drawn)
            continue
        if kind == "lfm2" and layer % 2 == 0:
            _add_convolution(drawn)
        else:
            _add_attention(drawn)
        _add_feed_forward(drawn)
        if kind == "gemma3":
            drawn.ones("post_attention_norm", _WIDTH)
            drawn.ones("post_ffw_norm", _WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class _Drawn:
    """Tensors of a layer, or (at first) of none."""

    def __init__(self, writer: GGUFWriter) -> None:
        self._writer = writer
        self._random = np.random.default_rng(0)
        self.layer = ""

    def matrix(self, name: str, rows: int, columns: int, scale: float | None = None) -> None:
        scale = columns**-0.5 if scale is None else scale
        self.tensor(f"{name}.weight", self._random.standard_normal((rows, columns)) * scale)

    def ones(self, name: str, length: int, times: float = 1) -> None:
        self.tensor(f"{name}.weight", np.full(length, times))

    def tensor(self, name: str, values: npt.NDArray[np.floating]) -> None:
        self._writer.add_tensor(self.layer + name, values.astype(np.float32))


def _add_hyperparameters(writer: GGUFWriter, kind: str) -> None:
    if kind == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(_INNER)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(_STEP)
        return
    heads = _WIDTH // _HEAD
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(heads)
    writer.add_rope_freq_base(10_000)
    if kind == "lfm2":
        writer.add_shortconv_l_cache(3)
        writer.add_head_count_kv([0, heads] * (_LAYERS // 2))  # none: a layer that convolves
    else:
        writer.add_head_count_kv(heads)
        writer.add_sliding_window(WINDOW)
        writer.add_key_length(_HEAD)
        writer.add_value_length(_HEAD)


def _add_vocabulary(writer: GGUFWriter) -> int:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.BYTE] * 256])
    return len(tokens)


def _add_mamba(drawn: _Drawn) -> None:
    drawn.matrix("ssm_in", 2 * _INNER, _WIDTH)
    drawn.matrix("ssm_conv1d", _INNER, 4)
    drawn.tensor("ssm_conv1d.bias", np.zeros(_INNER))
    drawn.matrix("ssm_x", _STEP + 2 * _STATE, _INNER)
    drawn.matrix("ssm_dt", _INNER, _STEP)
    drawn.tensor("ssm_dt.bias", np.full(_INNER, -4.0))  # small steps, so that it remembers for long
    drawn.tensor("ssm_a", -np.tile(np.arange(1.0, _STATE + 1), (_INNER, 1)))
    drawn.tensor("ssm_d", np.ones(_INNER))
    drawn.matrix("ssm_out", _WIDTH, _INNER)


def _add_convolution(drawn: _Drawn) -> None:
    drawn.matrix("shortconv.conv", _WIDTH, 3)
    drawn.matrix("shortconv.in_proj", 3 * _WIDTH, _WIDTH)
    drawn.matrix("shortconv.out_proj", _WIDTH, _WIDTH)


def _add_attention(drawn: _Drawn) -> None:
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        drawn.matrix(name, _WIDTH, _WIDTH)
    drawn.ones("attn_q_norm", _HEAD, times=3)  # so that it looks at some tokens more than at others
    drawn.ones("attn_k_norm", _HEAD)


def _add_feed_forward(drawn: _Drawn) -> None:
    drawn.ones("ffn_norm", _WIDTH)
    drawn.matrix("ffn_gate", _INNER, _WIDTH)
    drawn.matrix("ffn_up", _INNER, _WIDTH)
    drawn.matrix("ffn_down", _WIDTH, _INNER)
