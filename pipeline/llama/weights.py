"""Weights in memory and one context over them, through llama-cpp-python.

A context serves one thread at a time: whoever uses it holds `lock`. Contexts over the same file share its pages.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from critics import Message
from pipeline.errors import ContextOverflow, ModelFault, ModelMissing, ModelUnusable
from pipeline.llama.chat import ChatTemplate
from pipeline.llama.memory import free_bytes

BATCH = 512


class LlamaContext:
    """A GGUF file, loaded. `context` is in tokens, 0 for what the model was trained with; `threads` of CPU.

    Raises `ModelMissing`, or `ModelUnusable` for a file that is no model, is damaged, or is too big.
    """

    def __init__(self, path: Path, *, context: int = 0, threads: int | None = None) -> None:
        _refuse_unreadable(path)
        import llama_cpp  # takes a third of a second, and commands that need no model should not wait for it

        self.path = path
        self.lock = threading.Lock()
        self._api = llama_cpp
        threads = threads or available_cores()
        try:
            self.llama: Any = llama_cpp.Llama(
                str(path),
                n_ctx=context,
                n_batch=BATCH,
                n_threads=threads,
                n_threads_batch=threads,
                verbose=False,
            )
        except (ValueError, RuntimeError, MemoryError, AssertionError) as exc:
            raise ModelUnusable(
                f"{path} cannot be loaded: the file is damaged, of a kind that this llama.cpp does not know, "
                f"or too big for the memory with a context of {context} tokens ({exc})"
            ) from exc

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def context(self) -> int:
        """Tokens that fit."""
        return int(self.llama.n_ctx())

    def tokenise(self, text: str, special: bool) -> list[int]:
        ids: list[int] = self.llama.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=special)
        return ids

    @cached_property
    def _template(self) -> ChatTemplate:
        source = self.llama.metadata.get("tokenizer.chat_template")
        if not source:
            raise ModelUnusable(
                f"{self.path} carries no chat template, so it cannot be asked: use an instruction-tuned model"
            )
        return ChatTemplate(source, bos=self._special("bos"), eos=self._special("eos"), tokenise=self.tokenise)

    def _special(self, which: str) -> str:
        token = self.llama.token_bos() if which == "bos" else self.llama.token_eos()
        return "" if token < 0 else self.llama.detokenize([token], special=True).decode("utf-8", "replace")

    def prompt(self, messages: Sequence[Message], *, continues: str = "", room: int = 1) -> list[int]:
        """The conversation as tokens. Raises `ContextOverflow` where it leaves less than `room` for an answer."""
        add_bos = bool(self._api.llama_vocab_get_add_bos(self.llama._model.vocab))
        ids = self._template.tokens(messages, continues=continues, add_bos=add_bos)
        if len(ids) + room > self.context:
            raise ContextOverflow(
                f"the prompt has {len(ids)} tokens and {self.name}'s context is {self.context}, of which {room} are "
                "kept for the answer: shorten it or raise `context`"
            )
        return ids

    def ends(self, token: int) -> bool:
        """Whether the token ends a turn."""
        return bool(self._api.llama_vocab_is_eog(self.llama._model.vocab, token))

    def written(self, ids: list[int], **sampling: Any) -> Generator[int, None, None]:
        """Tokens after the prompt, until one ends the turn. Hold `lock`; close it to stop."""
        try:
            for token in self.llama.generate(ids, **sampling):
                if self.ends(token):
                    return
                yield token
        except RuntimeError as exc:
            self.llama.reset()
            raise ModelFault(f"{self.name} failed in the middle of a draft: {exc}") from exc

    def next_probabilities(self, ids: list[int]) -> npt.NDArray[np.float64]:
        """The probability of every token of the vocabulary to come after the prompt. Hold `lock`."""
        llama = self.llama
        cached = llama.input_ids[: llama.n_tokens].tolist()
        kept = min(_shared(cached, ids), len(ids) - 1)
        # eval() itself drops what lies behind n_tokens from the cache.
        llama.n_tokens = kept
        try:
            llama.eval(ids[kept:])
        except RuntimeError as exc:
            llama.reset()
            raise ModelFault(f"{self.name} failed to read the prompt: {exc}") from exc
        logits = self._api.llama_get_logits_ith(llama.ctx, -1)
        scores = np.ctypeslib.as_array(logits, shape=(llama.n_vocab(),)).astype(np.float64)
        weights = np.exp(scores - scores.max())
        return np.asarray(weights / weights.sum())


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two prompts have in common from the start."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _refuse_unreadable(path: Path) -> None:
    if not path.is_file():
        raise ModelMissing(f"there is no model file {path}")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as exc:
        raise ModelMissing(f"{path} cannot be read: {exc.strerror}") from exc
    if magic != b"GGUF":
        raise ModelUnusable(f"{path} is not a GGUF file: convert the model with llama.cpp first")
    size, free = path.stat().st_size, free_bytes()
    if free is not None and size > free:
        raise ModelUnusable(
            f"{path} is {size / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are free: use a smaller quantisation"
        )
