"""What one run has to say, while it is the newest: what is otherwise than before, and how much that was in all."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.loop import Outcome
from pipeline.pipeline import Pipeline
from pipeline.tuning.board import Board
from pipeline.tuning.edits import edits
from pipeline.tuning.events import Answered, Began, Doing, Ended, Known, Looped, Rate, Spent, Working
from pipeline.tuning.first_draft import Result
from pipeline.tuning.prompts import ProbePrompt
from pipeline.tuning.shown import Shown, difference, looped_otherwise, rate, released


class Telling:
    """Every word raises `Cancelled` once `stop` is set. `began` is when the run was wanted, by `time.monotonic`."""

    def __init__(self, board: Board, prompts: Sequence[ProbePrompt], stop: threading.Event, began: float) -> None:
        self._board = board
        self._prompts = prompts
        self._stop = stop
        self._since = began
        self._first: float | None = None
        self._differences = 0
        self._again = False
        self._before: tuple[Rate | None, Rate | None] = (None, None)
        self._old: Mapping[ProbePrompt, Shown] = {}

    @property
    def first(self) -> bool:
        """Whether there was no run before."""
        return not self._again

    @property
    def shown(self) -> Mapping[ProbePrompt, Shown]:
        """What was told last of each prompt."""
        return self._board.shown

    def began(self, pipeline: Pipeline) -> None:
        """That it begins, and what was edited since the run before."""
        board, manifesto = self._board, pipeline.manifesto
        with board.telling(self._stop) as tell:
            edited = None if board.manifesto is None else edits(board.manifesto, manifesto)
            self._again = edited is not None
            if set(board.shown) == set(self._prompts):  # rates of other prompts are no before and after
                self._before = rate(board.shown), released(board.shown)
                self._old = board.shown
            board.manifesto = manifesto
            board.shown = {prompt: shown for prompt, shown in board.shown.items() if prompt in self._prompts}
            name = pipeline.generator.name if pipeline.generator else ""
            tell(Began(manifesto, name, len(self._prompts), edited))

    def working(self, doing: Doing, prompts: int) -> None:
        """What takes time now, if there is anything to do."""
        with self._board.telling(self._stop) as tell:
            if prompts:
                tell(Working(doing, prompts))

    def result(self, prompt: ProbePrompt, result: Result, by: Known, *, settled: bool = True) -> None:
        """What came of a prompt. An answer is shown the first time when all is known of it, when it is `settled`."""
        with self._board.telling(self._stop) as tell:
            shown, number, seconds = self.shown.get(prompt), self._number(prompt), self._seconds()
            if shown is None:
                if settled:
                    tell(Answered(number, prompt, result))
                    self._remember(prompt, Shown.of(result))
                return
            if found := difference(number, prompt, by, shown, result, settled=settled, seconds=seconds):
                tell(found)
                self._count(seconds)
            self._remember(prompt, shown.then(result, settled=settled))

    def looped(self, prompt: ProbePrompt, outcome: Outcome) -> None:
        """What came of the whole loop."""
        with self._board.telling(self._stop) as tell:
            shown, seconds = self.shown[prompt], self._seconds()
            if looped_otherwise(shown.looped, outcome):
                tell(Looped(self._number(prompt), prompt, shown.looped, outcome, seconds))
                if shown.looped:
                    self._count(seconds)
            self._remember(prompt, replace(shown, looped=outcome))

    def ended(self, spent: Spent) -> Ended:
        """That all is told."""
        with self._board.telling(self._stop) as tell:
            ended = Ended(
                before=self._before[0],
                after=rate(self.shown),
                released_before=self._before[1],
                released=released(self.shown),
                turned=self._turned(),
                differences=self._differences,
                faulted=sum(one.faulted for one in self.shown.values()),
                seconds=self._seconds(),
                first_seconds=self._first,
                spent=spent,
                results=[one.result for one in self.shown.values()],
            )
            tell(ended)
        return ended

    def _turned(self) -> tuple[int, int]:
        """How many that were drafted anew pass and did not, and the other way round."""
        pairs = [(old, self.shown[prompt]) for prompt, old in self._old.items()]
        turned = [(old.passed, new.passed) for old, new in pairs if old.result.written != new.result.written]
        return turned.count((False, True)), turned.count((True, False))

    def _number(self, prompt: ProbePrompt) -> int:
        return self._prompts.index(prompt) + 1

    def _remember(self, prompt: ProbePrompt, shown: Shown) -> None:
        self._board.shown = {**self._board.shown, prompt: shown}

    def _count(self, seconds: float) -> None:
        self._differences += 1
        self._first = seconds if self._first is None else self._first

    def _seconds(self) -> float:
        return time.monotonic() - self._since
