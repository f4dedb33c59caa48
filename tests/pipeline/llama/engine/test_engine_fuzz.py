"""Whatever is asked of the scheduler, in whatever order: nothing hangs, nothing leaks, and every answer is right."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipeline.errors import ContextOverflow, ModelFault, ModelUnavailable
from pipeline.llama.engine import jobs as jobs_module
from pipeline.llama.engine import parting, prefixes, scheduler, scoring
from pipeline.llama.engine.jobs import FutureJob, Job, WritingJob
from pipeline.llama.engine.looking import SavingJob
from pipeline.llama.engine.requests import Adapter, Adapters, Generation, Sampling, Saving, Scoring
from pipeline.llama.engine.scoring import ScoringJob
from tests.pipeline.llama.engine.fake_device import (
    BAD_GRAMMAR,
    DEAD_END,
    VOCABULARY,
    FakeDevice,
    Rig,
    got,
    read_alone,
    scored,
    written,
)

CELLS, BATCH, PARALLEL = 96, 16, 4

STRONG, WEAK, REFUSED = (Adapter(Path("lora"), scale) for scale in (1.0, 0.5, 6.66))
ADAPTERS: tuple[Adapters, ...] = ((), (), (), (STRONG,), (STRONG, WEAK), (REFUSED,))

BEGINNINGS = ((), (1,) * 20, (1,) * 14 + (2,) * 14, (1, 2, 3, 4) * 8, (3, 4, 5) * 4)
RESTS = st.lists(st.integers(1, 3), min_size=1, max_size=6).map(tuple)
PROMPTS = st.builds(lambda begin, cut, rest: begin[:cut] + rest, st.sampled_from(BEGINNINGS), st.integers(0, 32), RESTS)
GROUPS = st.lists(st.lists(st.integers(0, VOCABULARY - 1), max_size=3).map(tuple), max_size=3).map(tuple)
SECONDS = st.sampled_from((None, None, None, 0.5, 3.0, 20.0))

GENERATIONS = st.builds(
    Generation,
    PROMPTS,
    st.integers(1, 12),
    st.sampled_from(("", "", "", "", BAD_GRAMMAR, DEAD_END)).map(lambda grammar: Sampling(grammar=grammar)),
    st.lists(st.text("abc", max_size=3), max_size=2).map(tuple),
    st.sampled_from(ADAPTERS),
    SECONDS,
    st.integers(0, 12),
)


@st.composite
def scorings(draw: st.DrawFn) -> Scoring:
    trunk = draw(PROMPTS)
    ends = draw(st.lists(st.lists(st.integers(1, 3), max_size=8).map(tuple), min_size=1, max_size=7))
    pinned = draw(st.integers(0, 12))
    plain = draw(st.just(0) | st.integers(1, len(trunk) + 2))
    return Scoring(
        tuple((*trunk, *end) for end in ends),
        draw(GROUPS),
        pinned,
        plain,
        draw(st.sampled_from(ADAPTERS)),
        draw(SECONDS),
    )


class Callers(RuleBasedStateMachine):
    """Many callers, a small cache, and a device that fails now and then."""

    patch: pytest.MonkeyPatch

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.patch.setattr(jobs_module, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.asked: list[tuple[Job, Callable[[], None]]] = []
        self.cancelled: set[Job] = set()
        self.failures = 0
        self.unsaved = 0
        self.lost = 0

    @initialize(
        outputs=st.integers(3, 6),
        sequences=st.integers(10, 14),
        cuttable=st.booleans(),
        lane=st.sampled_from((0, 20, 40)),
    )
    def begin(self, outputs: int, sequences: int, cuttable: bool, lane: int) -> None:
        device = FakeDevice(cells=CELLS, batch=BATCH, outputs=outputs, cuttable=cuttable, lane=lane if cuttable else 0)
        self.rig = Rig(device, parallel=PARALLEL, sequences=sequences)
        self.rig.device.refused = (REFUSED,)

    @rule(request=GENERATIONS)
    def write(self, request: Generation) -> None:
        job = self.rig.write(request)
        self.asked.append((job, lambda: self._compare_writing(job, request)))

    @rule(request=scorings())
    def score(self, request: Scoring) -> None:
        job = self.rig.score(request)
        self.asked.append((job, lambda: self._compare_scores(job, request)))

    @rule(prompt=PROMPTS)
    def save(self, prompt: tuple[int, ...]) -> None:
        job = SavingJob(Saving(prompt))
        self.rig.scheduler.add(job)
        self.asked.append((job, lambda: self._compare_saved(job, prompt)))

    @rule(length=st.sampled_from((CELLS, CELLS + 1)))
    def write_much(self, length: int) -> None:
        self.write(Generation((1, 2) * 3, length - 6))

    @rule(times=st.integers(1, 24))
    def step(self, times: int) -> None:
        for _ in range(times):
            self.now += 0.1
            self.rig.step()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job, _compare = data.draw(st.sampled_from(self.asked[-8:]))
        if isinstance(job, WritingJob):
            job.writing.cancel()
        elif isinstance(job, FutureJob):
            job.future.cancel()
        self.cancelled.add(job)
        self.now += 0.1
        self.rig.step()
        assert job not in (*self.rig.scheduler._waiting, *self.rig.scheduler._running)

    @rule()
    def time_passes(self) -> None:
        self.now += 2.0

    @rule()
    def fail_decode(self) -> None:
        self.rig.device.fail_decode = 1
        self.failures += 1

    @rule(times=st.integers(1, 3))
    def fail_restore(self, times: int) -> None:
        self.rig.device.fail_restore = times

    @rule(times=st.integers(1, 3))
    def fail_save(self, times: int) -> None:
        self.rig.device.fail_save = times
        self.unsaved += times

    @rule(times=st.integers(1, 3))
    def fail_part(self, times: int) -> None:
        self.rig.device.fail_part = times

    @rule(times=st.integers(1, 3))
    def fail_rejoin(self, times: int) -> None:
        self.rig.device.fail_rejoin = times
        self.lost += times

    @invariant()
    def the_books_agree(self) -> None:
        self.rig.check()

    def teardown(self) -> None:
        self.rig.finish()
        self.rig.check_idle()
        for job, compare in self.asked:
            self._compare(job, compare)

    def _compare(self, job: Job, compare: Callable[[], None]) -> None:
        """A result that is right, or an error that there was reason for."""
        assert job.done or job in self.cancelled
        try:
            compare()
        except CancelledError:
            assert job in self.cancelled
        except ContextOverflow:
            assert len(job.ids) + job.beyond > CELLS
        except ModelUnavailable:
            assert job.deadline is not None
            assert job.deadline < self.now
        except ModelFault as exc:
            self._justify(str(exc), job)

    def _justify(self, error: str, job: Job) -> None:
        reasons = {
            "told to fail": self.failures > 0,
            "told not to save": self.unsaved > 0 and isinstance(job, SavingJob),
            "what was written so far could not be kept": self.lost > 0,
            "the request was cancelled": job in self.cancelled,
            "these adapters are not taken": job.applied == (REFUSED,),
            "this grammar does not compile": isinstance(job, WritingJob),
            "no token that the grammar allows": isinstance(job, WritingJob),
        }
        assert reasons[error], error

    @staticmethod
    def _compare_writing(job: WritingJob, request: Generation) -> None:
        assert got(job.writing) == written(request)

    @staticmethod
    def _compare_scores(job: ScoringJob, request: Scoring) -> None:
        scores = job.future.result(timeout=0)
        assert scores.mass == scored(request)
        assert scores.reused <= len(job.ids)
        assert scores.read >= len(request.prompts)

    @staticmethod
    def _compare_saved(job: SavingJob, prompt: tuple[int, ...]) -> None:
        assert job.future.result(timeout=0).tobytes() == read_alone(prompt).tobytes()


HARD = int(os.environ.get("FUZZ", "0"))
"""How many examples to try, for a run of some minutes by hand: FUZZ=5000 pytest tests/pipeline/llama/engine."""


def test_callers_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joins, cancels, deadlines, overflows and failures at random, then until everybody is done."""
    monkeypatch.setattr(scheduler, "CHUNK", 5)
    monkeypatch.setattr(scheduler, "TILE", 5)
    monkeypatch.setattr(scheduler, "SHARED_READ", 4)
    monkeypatch.setattr(scheduler, "GRACE", 4)
    monkeypatch.setattr(parting, "TOGETHER", 2)
    monkeypatch.setattr(parting, "WORTH_PARTING", 2)
    monkeypatch.setattr(scoring, "WAVE", 24)
    monkeypatch.setattr(prefixes, "WORTH_UNPARKING", 3)
    monkeypatch.setattr(Callers, "patch", monkeypatch, raising=False)
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    phases = [Phase.generate] if HARD else list(Phase)
    run_state_machine_as_test(
        Callers,
        settings=settings(
            max_examples=HARD or 120,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=checks,
            phases=phases,
            report_multiple_bugs=False,
        ),
    )
