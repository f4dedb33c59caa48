"""Superego as `pipeline.assembly` puts it together, but for drafts whose length is fixed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from pathlib import Path

from bench.harms import cascade
from bench.material import manifesto, never_broken
from bench.timing import Side, took
from critics import Judge, Message, Panel, Verdict
from pipeline import DraftRequest, Pipeline, Settings
from pipeline.assembly import Parts, embedded
from pipeline.assembly.engines import cells_beside_a_judge
from pipeline.llama import Engine, LlamaGenerator, LlamaJudgeModel, LlamaModel, Pace, faster_form, pace
from pipeline.llama.engine import Scores, Scoring
from pipeline.machine.cores import available_cores

CONTEXT = 4096


def weights() -> Path:
    """The embedded model in the form that it is used in where it judges."""
    return faster_form(embedded.weights())


@cache
def paced(model: LlamaModel, threads: int) -> Pace:
    """The same for all engines of a run."""
    return pace(model, threads)


class Watched(Engine):
    """Keeps what was asked to be scored, and what came of it. `apart` says whether a judge will be beside it, `judges`
    whether it is that judge's."""

    def __init__(
        self, model: LlamaModel, *, threads: int | None = None, apart: bool = True, judges: bool = False
    ) -> None:
        self.threads = threads or available_cores()
        self.pace = paced(model, self.threads)
        cells = CONTEXT if judges else cells_beside_a_judge(CONTEXT) if apart else None
        flash = judges or self.pace.flash
        super().__init__(model, context=CONTEXT, threads=self.threads, cells=cells, fixed=judges, flash=flash)
        self.scored: list[tuple[Scoring, Future[Scores]]] = []
        self._judging: Watched | None = None

    @property
    def judging(self) -> Watched:
        """The judge's engine beside it. What is asked there is kept here."""
        if self._judging is None:
            self._judging = Watched(self.model, threads=self.threads, judges=True)
            self._judging.scored = self.scored
        return self._judging

    def score(self, request: Scoring) -> Future[Scores]:
        future = super().score(request)
        self.scored.append((request, future))
        return future


def asked_in_place(model: LlamaModel, request: Scoring) -> bool:
    """Whether it was put in the generator's conversation, before which stands nothing of the judge's."""
    return request.pinned == model.preamble(None)


class WholeLength(LlamaGenerator):
    """Drafts of exactly `max_tokens` tokens: none that ends a turn can be chosen."""

    def __init__(self, engine: Engine, max_tokens: int) -> None:
        super().__init__(engine, max_tokens=max_tokens)
        model = engine.model
        ends = {token: -1e9 for token in range(model.vocabulary_size) if model.ends(token)}
        self._sampling = replace(self._sampling, bias=ends)


def pipeline(engine: Watched, *, rules: int, tokens: int, in_place: bool = False) -> Pipeline:
    """Drafts and judges with one model, as `assembly` would."""
    held = manifesto(rules)
    judging = engine if in_place else engine.judging
    model = LlamaJudgeModel(judging, ahead=not in_place and engine.threads == 2 and engine.pace.along)
    judge = Judge(model, beliefs=held.beliefs, rules=held.rules, in_place=in_place)
    return Pipeline(held, Panel({"judge": judge}, seconds=60.0), WholeLength(engine, tokens))


class AsItComes:
    """Eight rules on harm with the settings as they come, or as `SUPEREGO_…` has them: the trained judge, which is told
    no beliefs, behind a probe that is asked first."""

    def __init__(self) -> None:
        self._parts = Parts(Settings())
        self._engine, _ = self._parts.drafting()

    def pipeline(self, tokens: int) -> Pipeline:
        return self._parts.pipeline(never_broken(cascade()), generator=WholeLength(self._engine, tokens))


def asking(asked: Pipeline, prompt: Callable[[int], str], tokens: int, verdicts: list[Verdict] | None = None) -> Side:
    """Drafts and judges, and adds what was found to `verdicts`. Raises where the draft did not pass at once or is not
    as long as the others."""

    def side(number: int) -> float:
        def ask() -> None:
            outcome = asked.ask(prompt(number), seed=number)
            assert outcome.stop_reason == "passed", outcome.stop_reason
            assert outcome.cost.generator.completion_tokens == tokens
            assert outcome.attempts[0].verdict.judgements
            if verdicts is not None:
                verdicts.append(outcome.attempts[0].verdict)

        return took(ask)

    return side


def drafting(engine: Engine, prompt: Callable[[int], str], tokens: int) -> Side:
    """Drafts only: the same generator, unmoderated."""
    generator = WholeLength(engine, tokens)

    def side(number: int) -> float:
        request = DraftRequest((Message("user", prompt(number)),), seed=number)

        def draft() -> None:
            assert sum(piece.usage.completion_tokens for piece in generator(request)) == tokens

        return took(draft)

    return side
