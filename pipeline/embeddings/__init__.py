"""The one door to Sentence Transformers: the embedding model that comes in a package. Imports it once it is used."""

from pipeline.embeddings.packaged import PackagedEmbedder

__all__ = ["PackagedEmbedder"]
