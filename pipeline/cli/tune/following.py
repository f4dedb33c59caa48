"""Runs that follow the saves of a file, the newest only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn

from critics import CriticsError
from pipeline.cli.flags.manifesto_files import ManifestoFiles
from pipeline.errors import PipelineError
from pipeline.tuning import POLL, THREAD, Look, Made, Saves, Tuner


def follow(tuner: Tuner, files: ManifestoFiles, make: Callable[[], Made]) -> NoReturn:
    """A run now, and one at every save, of what `make` gives. A save that cannot be used is told of, and the run of
    what was good before goes on.

    Raises what `make` raises the first time, and what goes wrong in a run; it ends with `KeyboardInterrupt`.
    """
    saves = Saves(lambda: _look(files))
    run = _Running(tuner, make(), None)
    try:
        while True:
            time.sleep(POLL)
            run.raise_if_broken()
            if (since := saves.seen()) is None:
                continue
            try:
                made = make()
            except (CriticsError, PipelineError) as exc:
                tuner.unusable(str(exc))
                continue
            run.stop.set()
            run = _Running(tuner, made, since)
    finally:
        run.stop.set()


class _Running:
    """A run in a thread of its own."""

    def __init__(self, tuner: Tuner, made: Made, since: float | None) -> None:
        self.stop = threading.Event()
        self._broken: BaseException | None = None

        def work() -> None:
            try:
                tuner.run(made, self.stop, since=since)
            except BaseException as exc:  # noqa: BLE001  # raised in the thread that waits
                self._broken = exc

        threading.Thread(target=work, daemon=True, name=THREAD).start()

    def raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken


def _look(files: ManifestoFiles) -> Look:
    stamps = files.stamps()
    # An empty file is one that is being written: it is truncated first.
    whole = all(size > 0 for stamp in stamps.values() for _, _, size in stamp)
    return Look(tuple(stamps.items()), whole=whole)
