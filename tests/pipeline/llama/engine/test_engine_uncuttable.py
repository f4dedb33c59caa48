"""Prefixes of a device whose sequences cannot be cut. What it does with real weights: test_engine_odd_weights.py."""

from __future__ import annotations

from pathlib import Path

from pipeline.llama.engine.requests import Adapter, Generation, Scoring
from tests.pipeline.llama.engine.fake_device import FakeDevice, Rig, got, scored, written

PROMPT = (1, 2, 3, 4, 5, 6, 7, 1, 3, 5)


def rig(*, sequences: int = 14) -> Rig:
    return Rig(FakeDevice(cuttable=False), sequences=sequences)


def reused(rig: Rig, request: Generation) -> int:
    """Of the prompt, by one that must come out right."""
    job = rig.write(request)
    rig.finish()
    assert got(job.writing) == written(request)
    return job.reused


def test_two_that_begin_alike_are_known_side_by_side() -> None:
    asked = [Generation(PROMPT, 4), Generation((*PROMPT, 6, 7, 2), 4)]
    both = rig()
    jobs = [both.write(request) for request in asked]
    both.finish()
    assert [got(job.writing) for job in jobs] == list(map(written, asked))
    assert [reused(both, request) for request in asked] == [len(request.prompt) - 1 for request in asked]


def test_two_that_are_alike_share_their_cells() -> None:
    """Though each has read for itself."""
    request = Generation(PROMPT, 4)
    both = rig()
    jobs = [both.write(request), both.write(request)]
    both.step()
    assert both.tree.cells == len(PROMPT) - 1
    both.finish()
    assert [got(job.writing) for job in jobs] == [written(request)] * 2


def test_a_prompt_is_known_without_what_was_written_after_it() -> None:
    alone = rig()
    first = Generation(PROMPT, 4)
    assert reused(alone, first) == 0
    assert reused(alone, first) == len(PROMPT) - 1
    draft = (*PROMPT, *written(first).tokens, 2)
    assert reused(alone, Generation(draft, 4)) == len(draft) - 2


def test_nobody_waits_for_what_is_of_no_use() -> None:
    """The second reads beside the first what it could not take from it."""
    both = rig()
    beginning = PROMPT * 4
    jobs = [both.write(Generation((*beginning, *end), 2)) for end in ((1,) * 8, (2,) * 8)]
    both.step()
    assert all(job.sequence >= 0 for job in jobs)
    both.finish()


def test_they_wait_for_the_preamble() -> None:
    """Which is kept by itself."""
    both = rig()
    beginning = PROMPT * 6
    first, second = (
        both.write(Generation((*beginning, *end), 2, pinned=len(beginning))) for end in ((1,) * 40, (2,) * 40)
    )
    both.finish()
    assert (first.reused, second.reused) == (0, len(beginning))


def test_who_has_read_on_is_no_longer_where_others_begin() -> None:
    """A trunk that no sequence was left for, and that goes on with adapters behind what others may share."""
    full = rig(sequences=10)
    writers = [full.write(Generation((start, *PROMPT), 60)) for start in (1, 2, 3)]
    full.step()
    trunk = (4, *PROMPT)
    scoring = Scoring(((*trunk, 1, 2), (*trunk, 2, 1)), ((1, 2),), plain=6, adapters=(Adapter(Path("lora")),))
    job = full.score(scoring)
    while job.position <= scoring.plain:
        full.step()
    for writer in writers:
        writer.writing.cancel()  # there are sequences now
    full.finish()
    assert job.future.result(timeout=0).mass == scored(scoring)
