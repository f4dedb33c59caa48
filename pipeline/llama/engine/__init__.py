"""One engine for everybody who drafts or judges with the same weights."""

from pipeline.llama.engine.engine import Engine
from pipeline.llama.engine.following import Following
from pipeline.llama.engine.llama_device import LlamaDevice
from pipeline.llama.engine.requests import (
    Adapter,
    Ahead,
    Chunk,
    Generation,
    Looking,
    Planting,
    Sampling,
    Saving,
    Scores,
    Scoring,
    Seen,
    Writing,
)
from pipeline.llama.engine.worker import THREAD

__all__ = [
    "THREAD",
    "Adapter",
    "Ahead",
    "Chunk",
    "Engine",
    "Following",
    "Generation",
    "LlamaDevice",
    "Looking",
    "Planting",
    "Sampling",
    "Saving",
    "Scores",
    "Scoring",
    "Seen",
    "Writing",
]
