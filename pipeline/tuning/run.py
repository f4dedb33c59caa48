"""One run through the prompts. What costs nothing comes first, then critics that ask a model, then drafts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.caching import NotKept
from pipeline.errors import ModelFault
from pipeline.loop import Answer, Outcome
from pipeline.pipeline import Pipeline
from pipeline.tuning.events import Ended, Spent
from pipeline.tuning.first_draft import Result, Written, faulted, judged_by, written_by
from pipeline.tuning.prompts import ProbePrompt
from pipeline.tuning.side_by_side import in_turn, side_by_side
from pipeline.tuning.telling import Telling

R = TypeVar("R")


@dataclass(frozen=True)
class Made:
    """A manifesto's pipeline, the same of what is kept alone, and how many questions went to models so far."""

    pipeline: Pipeline
    kept: Pipeline
    spent: Callable[[], Spent] = Spent


@dataclass(frozen=True)
class Run:
    """Takes `prompts` through what was `made`, `workers` at a time, until `stop` is set."""

    made: Made
    prompts: Sequence[ProbePrompt]
    telling: Telling
    stop: threading.Event
    seed: int
    workers: int

    def ended(self, *, loop: bool) -> Ended:
        """Go to the end. Raises `Cancelled`."""
        self.telling.began(self.made.pipeline)
        stale, open_ = self._look()
        before = self.made.spent()  # from here on it is models that are asked
        self._judge(open_)
        self._draft(stale)
        if loop:
            self._loop()
        now = self.made.spent()
        return self.telling.ended(Spent(now.drafts - before.drafts, now.judgements - before.judgements))

    def _look(self) -> tuple[list[ProbePrompt], dict[ProbePrompt, Written]]:
        """Tell what is kept. Gives the prompts whose draft is not, and the drafts that are not judged by every rule."""
        stale: list[ProbePrompt] = []
        open_: dict[ProbePrompt, Written] = {}
        for prompt in self.prompts:
            try:
                written: Written | None = written_by(self.made.kept, prompt, self.seed, self.stop)
            except NotKept:
                stale.append(prompt)
                written = self._shown(prompt)
            if written is None:
                continue
            result = judged_by(self.made.kept, prompt, written, self.stop)
            if result.open:
                open_[prompt] = written
            self.telling.result(prompt, result, "kept", settled=not result.open)
        return stale, open_

    def _shown(self, prompt: ProbePrompt) -> Written | None:
        """The draft that is shown now, which is the old one."""
        shown = self.telling.shown.get(prompt)
        return None if shown is None or shown.result.fault else shown.result.written

    def _judge(self, open_: Mapping[ProbePrompt, Written]) -> None:
        self.telling.working("judging", len(open_))

        def judged(prompt: ProbePrompt) -> Result:
            return judged_by(self.made.pipeline, prompt, open_[prompt], self.stop)

        for prompt, result in self._each(judged, list(open_)):
            self.telling.result(prompt, result, "judged")

    def _draft(self, stale: Sequence[ProbePrompt]) -> None:
        self.telling.working("drafting", len(stale))
        for prompt, result in self._each(self._drafted, stale):
            self.telling.result(prompt, result, "drafted")

    def _drafted(self, prompt: ProbePrompt) -> Result:
        try:
            written = written_by(self.made.pipeline, prompt, self.seed, self.stop)
        except ModelFault as exc:
            return faulted(str(exc))
        return judged_by(self.made.pipeline, prompt, written, self.stop)

    def _loop(self) -> None:
        self.telling.working("revising", len(self.prompts))
        answers: list[Answer] = []

        def revised(prompt: ProbePrompt) -> Outcome:
            answer = self.made.pipeline.stream(prompt.conversation, context=prompt.sources, seed=self.seed, hold=True)
            answers.append(answer)
            return answer.ended()

        try:
            for prompt, outcome in self._each(revised, self.prompts):
                self.telling.looped(prompt, outcome)
        finally:
            for answer in answers:
                answer.cancel()

    def _each(
        self, work: Callable[[ProbePrompt], R], prompts: Sequence[ProbePrompt]
    ) -> Iterator[tuple[ProbePrompt, R]]:
        """The first one alone, since somebody waits to see something; the others together, which takes less in all.
        The first time they come in their order, and later as soon as each is done."""
        yield from side_by_side(work, prompts[:1], workers=1, stop=self.stop)
        others = side_by_side(work, prompts[1:], workers=self.workers, stop=self.stop)
        yield from in_turn(others, prompts[1:]) if self.telling.first else others
