"""A Llama computed in numpy is the one that llama.cpp runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from pipeline.assembly import embedded
from pipeline.errors import ModelUnusable
from pipeline.identity.steer.forward import Stream, rms
from pipeline.identity.steer.weights import Array, GgufLlama
from pipeline.llama import PASSAGE, LlamaModel, LlamaReader
from tests.pipeline.llama.renamed_file import write_renamed


@pytest.fixture(scope="module")
def llama() -> GgufLlama:
    return GgufLlama(embedded.weights())


def through(llama: GgufLlama, stream: Stream, layers: int) -> None:
    for number in range(layers):
        layer = llama.layer(number)
        stream.hidden += stream.attended(layer) @ layer["attn_output"].T
        stream.hidden += stream.activated(layer) @ layer["ffn_down"].T


def streamed(llama: GgufLlama, prefix: list[int], *tails: list[int]) -> Stream:
    stream = Stream(len(prefix), [len(tail) for tail in tails], llama.shape)
    stream.hidden = llama.embedded(np.asarray([*prefix, *(token for tail in tails for token in tail)]))
    return stream


def test_it_predicts_what_llama_cpp_predicts(llama: GgufLlama, model: LlamaModel) -> None:
    """To the noise of the quantised kernels, some thousandths of a nat a token."""
    ids = model.tokenise(PASSAGE, False)[:60]
    stream = streamed(llama, [], ids)
    through(llama, stream, llama.shape.layers)
    (norm,) = (tensor.data for tensor in GGUFReader(model.path).tensors if tensor.name == "output_norm.weight")
    matrix = llama.embedded(np.arange(llama.shape.vocabulary))  # the embedded model has one for both ends
    scores = np.asarray(rms(stream.hidden, norm, llama.shape.epsilon) @ matrix.T)[:-1]
    ours = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    with LlamaReader(model, context=256, threads=1) as reader:
        theirs = reader.log_probabilities(ids, 1)
    assert float((np.exp(theirs) * (theirs - ours)).sum(axis=1).mean()) < 0.01


def test_sequences_that_share_a_prefix_are_what_they_are_alone(llama: GgufLlama, model: LlamaModel) -> None:
    """Of different lengths, behind a prefix that is there once."""
    ids = model.tokenise(PASSAGE, False)
    prefix, one, two = ids[:20], ids[20:40], ids[60:67]
    both = streamed(llama, prefix, one, two)
    alone = streamed(llama, [], prefix + two)
    for stream in (both, alone):
        through(llama, stream, 3)
    found: Array = both.hidden[both.starts[1] : both.starts[1] + 7]
    assert np.allclose(found, alone.hidden[20:], atol=1e-3)


def test_another_family_is_refused(tmp_path: Path) -> None:
    """It would be computed wrongly, and nobody would notice."""
    write_renamed(embedded.weights(), tmp_path / "other.gguf", {"general.architecture": "qwen2"})
    with pytest.raises(ModelUnusable, match="of the family 'qwen2'"):
        GgufLlama(tmp_path / "other.gguf")
