"""Drafts that are read into the judge's prompt while they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from critics import Exchange, Judge, Message, Prompt, Rule, ScriptedJudgeModel
from critics.judge.ahead import STEP, TAIL
from critics.judge.model import ReadAhead

RULES = (Rule(id="one", statement="It is short."), Rule(id="two", statement="It is kind."))
ASKED = Exchange((Message("user", "Tell me of the sea."),))
TEXT = "The sea is wide, and nobody has ever counted what lives in it; some have tried to. " * 12


class Reading(ScriptedJudgeModel):
    """Remembers what it was to read, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(readings=[{"yes": 0.1, "no": 0.9}] * 8)
        self.ahead: list[Sequence[Prompt]] = []
        self.busy = False

    @contextmanager
    def following(self) -> Iterator[ReadAhead | None]:
        def read(asked: Callable[[], Sequence[Prompt]]) -> bool:
            if not self.busy:
                self.ahead.append(asked())
            return not self.busy

        yield read


def spelled(prompt: Prompt) -> str:
    return "".join(f"<{message.role}>{message.content}" for message in prompt)


def shared(prompts: Sequence[Prompt]) -> str:
    """What they have in common from the start."""
    one, other = map(spelled, prompts)
    return one[: next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)]


@pytest.mark.parametrize("trained", [True, False])
def test_what_is_read_ahead_is_how_the_prompt_for_the_whole_draft_begins(trained: bool) -> None:
    """Up to a few characters before the end of what was there."""
    model = Reading()
    judge = Judge(model, beliefs="Be kind.", rules=RULES, critiques=False, trained=trained)
    with judge.follow(ASKED, RULES) as told:
        assert told is not None
        for end in range(0, 600, 7):
            told(TEXT[:end])
    judge(Exchange(ASKED.conversation, TEXT), RULES)
    whole = spelled(model.prompts[-1])
    grown = [shared(prompts) for prompts in model.ahead]
    assert all(whole.startswith(begun) for begun in grown)
    assert TEXT[: 600 - 7 - TAIL - STEP] in grown[-1]
    assert grown == sorted(grown, key=len)


def test_it_is_read_in_steps_and_not_at_every_piece() -> None:
    model = Reading()
    with Judge(model, rules=RULES).follow(ASKED, RULES) as told:
        assert told is not None
        for end in range(len(TEXT)):
            told(TEXT[:end])
    assert len(model.ahead) == len(range(TAIL + 1, len(TEXT), STEP))


def test_what_the_model_had_no_time_for_is_read_as_soon_as_it_has() -> None:
    model = Reading()
    with Judge(model, rules=RULES).follow(ASKED, RULES) as told:
        assert told is not None
        for model.busy, end in ((False, 100), (True, 300), (False, 301), (False, 302)):
            told(TEXT[:end])
    assert [TEXT[:301] in spelled(prompts[0]) for prompts in model.ahead] == [False, True]


def test_a_model_that_reads_nothing_ahead_is_not_followed() -> None:
    with Judge(ScriptedJudgeModel(readings=[]), rules=RULES).follow(ASKED, RULES) as told:
        assert told is None
