"""The critic that goes by examples: what resembles those that break a rule more than those that keep it breaks it."""

from critics.semantic.critic import SemanticCritic
from critics.semantic.embedder import Embedder

__all__ = ["Embedder", "SemanticCritic"]
