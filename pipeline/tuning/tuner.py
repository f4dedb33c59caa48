"""Takes the prompts through a manifesto, again after every edit, and remembers what was told of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from critics import Manifesto
from pipeline.tuning.board import Board
from pipeline.tuning.events import Ended, Event, Unusable
from pipeline.tuning.prompts import ProbePrompt
from pipeline.tuning.run import Made, Run
from pipeline.tuning.side_by_side import Cancelled
from pipeline.tuning.telling import Telling


class Tuner:
    """Asks `prompts` of a manifesto, `workers` at a time, and with `loop` revises what failed as well.

    A run may begin while another one is under way: set the `stop` of that one first, and it tells nothing more.
    """

    def __init__(
        self,
        prompts: Callable[[Manifesto], Sequence[ProbePrompt]],
        tell: Callable[[Event], None],
        *,
        seed: int = 0,
        loop: bool = False,
        workers: int = 8,
    ) -> None:
        self._prompts = prompts
        self._seed = seed
        self._loop = loop
        self._workers = workers
        self._board = Board(tell)

    def run(self, made: Made, stop: threading.Event, *, since: float | None = None) -> Ended | None:
        """Through all prompts, telling what is otherwise than before; `None` where it was stopped. `since` is when the
        save was seen, by `time.monotonic`."""
        prompts = tuple(self._prompts(made.pipeline.manifesto))
        telling = Telling(self._board, prompts, stop, time.monotonic() if since is None else since)
        run = Run(made, prompts, telling, stop, self._seed, self._workers)
        try:
            return run.ended(loop=self._loop)
        except Cancelled:
            return None

    def unusable(self, why: str) -> None:
        """Tell that there is a save that cannot be used."""
        with self._board.telling(threading.Event()) as tell:
            tell(Unusable(why))
