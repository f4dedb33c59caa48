"""A pipeline that judges by a given time: a critic that hangs must not hang the agent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from critics import Exchange, Finding, Rule, within
from pipeline.pipeline import Pipeline


def hurried(pipeline: Pipeline) -> Pipeline:
    """The pipeline with all that it judges within the seconds of its manifesto's budget, from now on.

    What is not judged by then raises `TimeoutError`. Where no seconds count it is left as it is.
    """
    seconds = pipeline.manifesto.budget.seconds
    if seconds is None or not pipeline.timed:
        return pipeline
    end = time.monotonic() + seconds

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        return within(end - time.monotonic(), pipeline.critic, exchange, rules)

    return replace(pipeline, critic=critic)
