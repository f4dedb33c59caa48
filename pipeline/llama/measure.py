"""How fast a model reads and writes here, and how well it predicts a text."""

from __future__ import annotations

import time
from itertools import islice

import numpy as np

from pipeline.llama.weights import BATCH, LlamaContext


def reading_speed(model: LlamaContext, ids: list[int]) -> float:
    """Tokens a second when reading `ids` from an empty context."""
    with model.lock:
        model.llama.reset()
        began = time.perf_counter()
        model.next_probabilities(ids)
        return len(ids) / (time.perf_counter() - began)


def writing_speed(model: LlamaContext, ids: list[int], *, tokens: int = 48) -> float:
    """Tokens a second when writing greedily after `ids`, not counting the reading of them."""
    with model.lock:
        model.llama.reset()
        written = model.llama.generate(ids, temp=0.0)
        next(written)
        began = time.perf_counter()
        count = sum(1 for _ in islice(written, tokens))
        written.close()
        return count / (time.perf_counter() - began)


def perplexity(model: LlamaContext, ids: list[int]) -> float:
    """exp of the mean negative log-probability of each token of `ids` after those before it; lower is better."""
    with model.lock:
        model.llama.reset()
        model.llama._ctx.kv_cache_clear()
        surprises = [
            surprise
            for start in range(0, len(ids), BATCH)
            for surprise in _surprises(model, ids, start, min(start + BATCH, len(ids)))
        ]
        model.llama.reset()
    return float(np.exp(np.mean(surprises)))


def _surprises(model: LlamaContext, ids: list[int], start: int, end: int) -> list[float]:
    """Of the tokens after each of `ids[start:end]`, in nats; what comes before is in the context already."""
    llama = model.llama
    llama._batch.set_batch(batch=ids[start:end], n_past=start, logits_all=True)
    llama._ctx.decode(llama._batch)
    logits = np.ctypeslib.as_array(llama._ctx.get_logits(), shape=((end - start), llama.n_vocab()))
    surprises = []
    for row, target in zip(logits, ids[start + 1 : end + 1], strict=False):
        scores = row.astype(np.float64)
        top = scores.max()
        surprises.append(float(top + np.log(np.exp(scores - top).sum()) - scores[target]))
    return surprises
