"""What the cache holds of a text, on the embedded weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize

from critics import Message
from pipeline.errors import BadInput, ModelFault
from pipeline.llama import LlamaModel
from pipeline.llama.engine import Engine, Generation, LlamaDevice, Looking, Scoring
from pipeline.llama.engine.cells import mean_values
from pipeline.llama.engine.device import Row

LAYERS = (0, 7, 20)


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=1024, threads=1)
    yield engine
    engine.close()


def ids(model: LlamaModel, text: str = "What is a mill good for, and who lives in it?") -> tuple[int, ...]:
    return tuple(model.prompt([Message("user", text)]))


def test_the_values_are_the_models(model: LlamaModel, own: Engine) -> None:
    """At the first layer they follow from the tokens alone, so that they can be worked out from the file."""
    prompt = ids(model)
    seen = own.look(Looking(prompt, 3, (0,))).result()
    expected = _first_values(model, prompt[3:]).mean(axis=0)
    assert seen.values[0] == pytest.approx(expected, abs=0.02 * float(np.abs(expected).max()))


def _first_values(model: LlamaModel, tokens: tuple[int, ...]) -> npt.NDArray[np.float32]:
    reader = GGUFReader(model.path)
    tensors: dict[str, Any] = {tensor.name: tensor for tensor in reader.tensors}

    def numbers(name: str) -> npt.NDArray[np.float32]:
        return np.asarray(dequantize(tensors[name].data, tensors[name].tensor_type), dtype=np.float32)

    vectors = numbers("token_embd.weight")[list(tokens)]
    normalised = vectors / np.sqrt((vectors**2).mean(axis=1, keepdims=True) + 1e-5)
    return np.asarray(normalised * numbers("blk.0.attn_norm.weight") @ numbers("blk.0.attn_v.weight").T)


def test_what_was_read_before_is_not_read_again(model: LlamaModel, own: Engine) -> None:
    """Whoever read or wrote it; and it looks the same."""
    prompt = ids(model, "Say hello to a friend of mine who is fond of mills.")
    alone = own.look(Looking(prompt, 5, LAYERS)).result()
    assert alone.read + alone.reused == len(prompt)
    again = own.look(Looking(prompt, 5, LAYERS)).result()
    assert (again.read, again.reused) == (0, len(prompt))
    assert np.array_equal(again.values, alone.values)


def test_it_sees_the_same_without_flash_attention(model: LlamaModel, own: Engine) -> None:
    """For which llama.cpp keeps values by column."""
    prompt = ids(model)
    with closing(Engine(model, context=512, threads=1, flash=False)) as plain:
        seen = plain.look(Looking(prompt, 5, LAYERS)).result()
        assert plain.layout != own.layout
    expected = own.look(Looking(prompt, 5, LAYERS)).result()
    assert np.corrcoef(seen.values.ravel(), expected.values.ravel())[0, 1] > 0.999  # rounded otherwise


def test_a_draft_is_looked_at_where_it_was_written(model: LlamaModel, own: Engine) -> None:
    prompt = ids(model, "Name three colours.")
    writing = own.generate(Generation(prompt, 12))
    for _ in writing:
        pass
    seen = own.look(Looking((*prompt, *writing.tokens), len(prompt), LAYERS)).result()
    assert seen.read == 1  # the last token is written and never read
    assert np.isfinite(seen.values).all()


def test_it_may_come_among_others(model: LlamaModel, own: Engine) -> None:
    """In any order with those who write and score, to the same end."""
    prompts = [ids(model, f"Tell me about the number {number}.") for number in range(6)]
    alone = [own.look(Looking(prompt, 4, LAYERS)).result().values for prompt in prompts]
    writing = own.generate(Generation(ids(model), 20))
    scores = own.score(Scoring((prompts[0],), ((5,), (6,))))
    together = [own.look(Looking(prompt, 4, LAYERS)) for prompt in prompts]
    assert sum(chunk.tokens for chunk in writing)
    assert scores.result().mass
    for seen, expected in zip(together, alone, strict=True):
        assert seen.result().values == pytest.approx(expected, abs=0.02)


def test_what_is_not_there_is_refused(model: LlamaModel, own: Engine) -> None:
    prompt = ids(model)
    with pytest.raises(BadInput, match=f"no token {len(prompt)}"):
        own.look(Looking(prompt, len(prompt), LAYERS))
    with pytest.raises(ModelFault, match="no layer 30"):
        own.look(Looking(prompt, 0, (30,))).result()
    assert own.look(Looking(prompt, 0, (29,))).result().values.shape == (1, 192)


def test_another_format_is_an_error_and_no_number(model: LlamaModel) -> None:
    """Of a llama.cpp to come: it must not be read as if it were this one's."""
    device = LlamaDevice(model, cells=64, threads=1)
    prompt = ids(model, "Hi.")
    device.decode([Row(token, place, 0, False) for place, token in enumerate(prompt)])
    saved = device.save(0)
    device.close()
    assert mean_values(saved, 0, 9, (3,)).shape == (1, 192)
    other = saved.copy()
    other[0] ^= 1
    long = saved.copy()
    long[28 + 12 * len(prompt) :][:8] = 0xFF  # the width of the first layer's keys
    for strange in (other, long, saved[:-1], saved[:50], np.append(saved, np.uint8(0))):
        with pytest.raises(ModelFault, match="saves sequences otherwise"):
            mean_values(strange, 0, 9, (3,))
