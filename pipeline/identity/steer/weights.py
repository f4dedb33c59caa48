"""The weights of a Llama in a GGUF file, as numpy arrays, a layer at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, ReaderTensor, dequantize

from pipeline.errors import ModelUnusable

Array = npt.NDArray[np.float32]

MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_NORMS = ("attn_norm", "ffn_norm")


@dataclass(frozen=True)
class Shape:
    """What the sizes of a Llama are."""

    vocabulary: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    """Width of one head."""
    epsilon: float
    frequencies: Array
    """By how much each pair of a head turns from one position to the next, in radians."""


class GgufLlama:
    """A GGUF file of the Llama family. Raises `ModelUnusable` for one of another, and for what this does not compute.

    Quantised tensors are made float32 when they are asked for, and not kept, so that the memory need not hold all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        reader = GGUFReader(path)
        self._fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith(_TOLD)}
        self._tensors: dict[str, ReaderTensor] = {tensor.name: tensor for tensor in reader.tensors}
        self.shape = self._shape()
        self._refuse_strangers()

    def layer(self, number: int) -> dict[str, Array]:
        """A layer's matrices, each (outputs, inputs), and norms, by llama.cpp's short names."""
        return {name: self._array(f"blk.{number}.{name}.weight") for name in (*MATRICES, *_NORMS)}

    def embedded(self, ids: npt.NDArray[np.integer]) -> Array:
        """The rows of the embedding for these tokens."""
        tensor = self._tensors["token_embd.weight"]
        rows, places = np.unique(ids, return_inverse=True)
        return np.asarray(dequantize(tensor.data[rows], tensor.tensor_type), dtype=np.float32)[places]

    def _array(self, name: str) -> Array:
        tensor = self._tensors[name]
        return np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def _shape(self) -> Shape:
        architecture = self._fields.get("general.architecture")
        if architecture != "llama":
            raise ModelUnusable(f"{self._path} is of the family {architecture!r}: this is for GGUF files of a Llama")
        heads = int(self._told("attention.head_count"))
        width = int(self._told("embedding_length"))
        head = int(self._fields.get("llama.attention.key_length", width // heads))
        return Shape(
            vocabulary=len(self._tensors["token_embd.weight"].data),
            layers=int(self._told("block_count")),
            heads=heads,
            kv_heads=int(self._fields.get("llama.attention.head_count_kv", heads)),
            head=head,
            epsilon=float(self._told("attention.layer_norm_rms_epsilon")),
            frequencies=self._frequencies(head),
        )

    def _frequencies(self, head: int) -> Array:
        turned = int(self._fields.get("llama.rope.dimension_count", head))
        base = float(self._fields.get("llama.rope.freq_base", 10000.0))
        scaling = self._fields.get("llama.rope.scaling.type", "none")
        if turned != head or scaling != "none":
            raise ModelUnusable(f"{self._path} turns its heads in a way that is not computed here ({scaling})")
        frequencies = base ** (-np.arange(0, head, 2, dtype=np.float64) / head)
        if "rope_freqs.weight" in self._tensors:  # Llama 3.1
            frequencies /= self._array("rope_freqs.weight").astype(np.float64)
        return frequencies.astype(np.float32)

    def _told(self, key: str) -> Any:
        if (value := self._fields.get(f"llama.{key}")) is None:
            raise ModelUnusable(f"{self._path} does not say its {key}: it is damaged")
        return value

    def _refuse_strangers(self) -> None:
        """A Llama with biases or experts would be computed wrongly, and nobody would notice."""
        layers = {f"blk.{n}.{name}.weight" for n in range(self.shape.layers) for name in (*MATRICES, *_NORMS)}
        needed = layers | {"token_embd.weight", "output_norm.weight"}
        if missing := sorted(needed - self._tensors.keys()):
            raise ModelUnusable(f"{self._path} has no {missing[0]}: it is damaged, or no plain Llama")
        if strange := sorted(self._tensors.keys() - needed - {"output.weight", "rope_freqs.weight"}):
            raise ModelUnusable(f"{self._path} has {strange[0]}, which a plain Llama has not")


_TOLD = ("general.architecture", "llama.")
