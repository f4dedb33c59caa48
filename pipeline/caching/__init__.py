"""Drafts and verdicts that have been paid for, kept for the next run that asks the very same."""

from pipeline.caching.drafts import CachingGenerator
from pipeline.caching.store import Store, cache_path
from pipeline.caching.unasked import NotKept, UnaskedGenerator, unasked_critic
from pipeline.caching.verdicts import CachingCritic

__all__ = [
    "CachingCritic",
    "CachingGenerator",
    "NotKept",
    "Store",
    "UnaskedGenerator",
    "cache_path",
    "unasked_critic",
]
