"""LangChain's cache, for answers that would come out the same another time."""

from __future__ import annotations

from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.globals import get_llm_cache

from pipeline.loop import Outcome

_FOR_NOW = frozenset({"undecided", "seconds"})
"""Reasons that have to do with how things stood: a judge that was down, a server that was slow. What was cancelled or
faulted is no answer, and raised."""


class OneCall(BaseCache):
    """A cache as one call of the model sees it: nothing is kept once `ended` was told of an outcome of the moment.

    LangChain keeps whatever a model gives, and there is no other place to say that it should not.
    """

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache
        self._keeps = True

    def ended(self, outcome: Outcome) -> None:
        """What came of the call."""
        self._keeps = outcome.stop_reason not in _FOR_NOW and not _let_through(outcome)

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        return self._cache.lookup(prompt, llm_string)

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        if self._keeps:
            self._cache.update(prompt, llm_string, return_val)

    def clear(self, **kwargs: Any) -> None:
        self._cache.clear(**kwargs)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        return await self._cache.alookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        if self._keeps:
            await self._cache.aupdate(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        await self._cache.aclear(**kwargs)


def _let_through(outcome: Outcome) -> bool:
    """Whether something that could not be judged was let through, because the manifesto says so: another time it may
    well be judged."""
    verdicts = (outcome.input_verdict, outcome.given.verdict if outcome.given else None)
    return any(verdict.of("undecided") for verdict in verdicts if verdict)


def for_one_call(cache: BaseCache | bool | None) -> OneCall | None:
    """The cache for a call of a model with this `cache`, if answers are kept at all."""
    used = None if cache is False else cache if isinstance(cache, BaseCache) else get_llm_cache()
    return None if used is None else OneCall(used)
