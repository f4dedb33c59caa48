"""What an identity is made from: ordinary prompts, answered by the model itself while it is told the manifesto.

No label and no user's text is needed. The prompts are the project's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from critics import Message
from pipeline.llama import Engine, Generation, Sampling
from pipeline.llama.waiting import in_turn

_FOLDER = Path(__file__).parent.parent / "prompts"

ANSWER = 56
"""Tokens of an answer: how a model takes up a manifesto shows in its first sentences."""

_TOGETHER = 64
"""Answers that are under way or wait at a time."""


@dataclass(frozen=True)
class Probe:
    """A prompt as the model reads it when it is told the manifesto and when it is not, and its answer when told."""

    told: tuple[int, ...]
    plain: tuple[int, ...]
    answer: tuple[int, ...]


def build_prompts() -> list[str]:
    """To build with."""
    return (_FOLDER / "build.txt").read_text("utf-8").splitlines()


def held_out_prompts() -> list[str]:
    """To measure with. No identity is built from them."""
    return (_FOLDER / "held_out.txt").read_text("utf-8").splitlines()


def probed(
    engine: Engine,
    system: Message,
    prompts: Sequence[str],
    *,
    seed: int,
    tokens: int = ANSWER,
    stepped: Callable[[int, int], None] = lambda *_: None,
) -> list[Probe]:
    """Let the model answer all prompts, many at a time, each with a seed of its own. An empty answer is left out."""
    asked = [
        (tuple(engine.model.prompt([system, user])), tuple(engine.model.prompt([user])))
        for user in (Message("user", prompt) for prompt in prompts)
    ]
    begun = (
        engine.generate(Generation(told, tokens, Sampling(0.7, top_p=0.9, min_p=0.05, seed=1000 * seed + number)))
        for number, (told, _) in enumerate(asked)
    )
    answers = []
    with closing(in_turn(begun, _TOGETHER)) as writings:
        for number, writing in enumerate(writings, start=1):
            for _ in writing:
                pass
            answers.append(tuple(writing.tokens))
            stepped(number, len(asked))
    return [Probe(*both, answer) for both, answer in zip(asked, answers, strict=True) if answer]
