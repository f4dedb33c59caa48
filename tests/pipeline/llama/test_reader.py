"""How probable a model finds a text."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.llama import PASSAGE, LlamaModel, LlamaReader

WORDS = 90
"""Some more than a batch has room for wanted rows."""


def test_of_each_token_and_of_all_there_could_be(model: LlamaModel) -> None:
    """One is a column of the other: the token's own, row by row."""
    ids = model.tokenise(PASSAGE, False)[:WORDS]
    with LlamaReader(model, context=128, threads=1) as reader:
        every = reader.log_probabilities(ids, 5)
        alone = reader.log_likelihoods(ids, 5)
    assert every.shape == (WORDS - 5, model.vocabulary_size)
    assert np.exp(every).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert alone == pytest.approx(every[np.arange(WORDS - 5), ids[5:]], abs=1e-3)


def test_what_is_kept_of_the_last_text_serves_as_well(model: LlamaModel) -> None:
    """A text that begins alike gets what it gets when all of it is read."""
    ids = model.tokenise(PASSAGE, False)[:WORDS]
    other = [*ids[:60], *reversed(ids[60:])]
    with LlamaReader(model, context=128, threads=1) as reader:
        fresh = reader.log_likelihoods(other, 61)
        reader.log_likelihoods(ids, 61)
        again = reader.log_likelihoods(other, 61)
        every = reader.log_probabilities(ids, 1)
        assert -reader.surprise(ids) == pytest.approx(every[np.arange(WORDS - 1), ids[1:]].mean(), abs=1e-3)
    assert again == pytest.approx(fresh, abs=1e-3)
