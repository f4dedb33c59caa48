"""LangChain's embeddings as what the critic `semantic` needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelMissing
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.label import label_of, secrets_of
from pipeline.langchain_door.load import address, explained
from pipeline.langchain_door.retry import Retries, retried

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

_FORM = "name one as PROVIDER:MODEL, as in openai:text-embedding-3-small, or `embedded`"


def load_embedder(
    name: str, *, base_url: str | None, api_key: str | None, timeout: float, tries: int = 3
) -> LangChainEmbedder:
    """Embeddings by the name that LangChain's `init_embeddings` takes.

    `timeout` is in seconds and bounds one request, where the integration can bound it. Raises `ModelMissing` for an
    unknown name or package, and `SettingsError` for a key that is missing or a `base_url` that is no web address.
    """
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise ModelMissing(f"{name!r} names no embeddings: {_FORM}")
    options: dict[str, Any] = address(name, base_url, api_key)
    if provider == "openai":
        # One place retries, ours. Compatible servers take texts; token numbers, which the integration would send after
        # fetching a tokeniser, mean something else to them.
        options |= {"max_retries": 0, "timeout": timeout, "check_embedding_ctx_length": False}
    with explained(name):
        from langchain.embeddings import init_embeddings

        return LangChainEmbedder(init_embeddings(name, **options), name=label_of(name, base_url or ""), tries=tries)


class LangChainEmbedder:
    """Embeds by a LangChain integration. A call that failed is made again, `tries` times in all, within the time that
    the critic still has. Raises `ModelFault`."""

    def __init__(self, model: Embeddings, *, name: str, tries: int = 3) -> None:
        self._model = model
        self._name = name
        self._retries = Retries(attempts=tries)
        self._secrets = secrets_of(model)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return retried(lambda: self._asked(texts), self._retries)

    def _asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with translated(self._name, secrets=self._secrets):
            return np.asarray(self._model.embed_documents(list(texts)), dtype=np.float32)
