"""The engines that the settings call for, one over each file of weights, and for a judge one of its own.

llama.cpp goes through the cells of everybody for each token that it reads, and rounds by who else is read. So a judge
that has no use for the drafts' cells has a cache of its own, where it reads in half the time beside sixteen drafts, and
where one exchange at a time is judged: the verdict is the same to the last bit whoever else is served
(docs/performance.md). One that asks where the draft was written must share the generator's.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.assembly.weights import judge_adapter, judge_name, weights_of
from pipeline.errors import ModelFault, ModelMissing, ModelUnusable
from pipeline.llama import Engine, LlamaModel, Pace, acts_on_exchange, faster_form, pace
from pipeline.machine.cores import available_cores
from pipeline.settings import Settings

_log = logging.getLogger("superego")


class Engines:
    """Makes each when it is first asked for. Weights are loaded once, however many engines are over them.

    `judged` says whether a model will judge: then the embedded one is used in a form that reads faster here.
    """

    def __init__(self, settings: Settings, *, judged: bool) -> None:
        self._settings = settings
        self._judged = judged
        self._models: dict[Path, LlamaModel] = {}
        self._engines: dict[Path, Engine] = {}
        self._apart: dict[Path, Engine] = {}
        self._paces: dict[Path, Pace] = {}

    def of(self, path: Path) -> Engine:
        """For whoever drafts with these weights, or looks at drafts where they were written."""
        if path not in self._engines:
            context = self._context(path)
            cells = cells_beside_a_judge(context) if self._judged and self._has_judge_apart(path) else None
            self._engines[path] = self._made(path, context, cells, fixed=self._settings.deterministic)
        return self._engines[path]

    def judging(self, path: Path) -> Engine:
        """For a judge with these weights."""
        if not self._has_judge_apart(path):
            return self.of(path)
        if path not in self._apart:
            context = self._context(path)
            self._apart[path] = self._made(path, context, context, fixed=True)
        return self._apart[path]

    def reads_ahead(self, path: Path) -> bool:
        """Whether the judge with these weights should read drafts while they are written. Where they are written here,
        a core must be enough to keep up with the rest of them, which write: so it is with two, and equal weights, where
        the second one hardly helps to write."""
        if not self._has_judge_apart(path) or self._model(path).recurs:  # nothing of it would be used: engine/fixed.py
            return False
        drafts = _file(self._settings.generator.model)
        threads = self._settings.threads or available_cores()
        return drafts is None or (drafts == path and threads == 2 and self._pace(path).along)

    def close(self) -> None:
        """Free them all; a second time does nothing."""
        for engine in (*self._engines.values(), *self._apart.values()):
            engine.close()

    def _has_judge_apart(self, path: Path) -> bool:
        """Whether a judge with these weights reads nothing that others have read."""
        settings = self._settings
        if settings.judge.in_place or settings.deterministic or path != _file(judge_name(settings)):
            return False
        adapter = judge_adapter(settings)
        try:
            return adapter is None or acts_on_exchange(self._model(path), (adapter,))
        except ModelFault:
            return False  # whoever makes the judge will say what is wrong with it

    def _made(self, path: Path, context: int, cells: int | None, *, fixed: bool) -> Engine:
        return Engine(
            self._model(path),
            context=context,
            cells=cells,
            threads=self._settings.threads,
            parallel=self._settings.parallel,
            fixed=fixed,
            flash=fixed or self._pace(path).flash,
        )

    def _pace(self, path: Path) -> Pace:
        """What pays with these weights here, where the settings let it be measured."""
        if path not in self._paces:
            threads = self._settings.threads or available_cores()
            self._paces[path] = pace(self._model(path), threads) if self._settings.optimise else Pace()
        return self._paces[path]

    def _model(self, path: Path) -> LlamaModel:
        if path not in self._models:
            form = judging_form(path, self._settings) if self._judged else path
            try:
                self._models[path] = LlamaModel(form)
            except ModelUnusable as exc:
                if form == path:
                    raise
                raise ModelUnusable(f"{exc}. Delete it if it is damaged: it is made anew of {path}") from exc
            self._tell_untrained(path)
        return self._models[path]

    def _tell_untrained(self, path: Path) -> None:
        """Warn of each context that was set, and is more than these weights were trained with."""
        for role, context in self._contexts(path).items():
            has = self._model(path).context(context)
            if has < context and "context" in getattr(self._settings, role).model_fields_set:
                _log.warning("`%s.context` is %d, and %s was trained with %d: it has those", role, context, path, has)

    def _context(self, path: Path) -> int:
        """Tokens of the longest conversation that is wanted with these weights, and that they can read."""
        return max(map(self._model(path).context, self._contexts(path).values()))

    def _contexts(self, path: Path) -> dict[str, int]:
        """What the settings want under `context`, by those whose weights these are."""
        settings = self._settings
        wanted = {
            "generator": (settings.generator.model, settings.generator.context),
            "judge": (judge_name(settings), settings.judge.context),
            "guard": (settings.guard.model, settings.guard.context),
        }
        return {role: context for role, (name, context) in wanted.items() if name and _file(name) == path}


def judging_form(path: Path, settings: Settings) -> Path:
    """The file to be loaded for these weights where a model judges: of the embedded one what reads faster here."""
    if not settings.optimise or path != _file("embedded"):
        return path
    return faster_form(path, kind="q8_0" if settings.optimise is True else settings.optimise)


def cells_beside_a_judge(context: int) -> int:
    """What a generator's engine has, where half a context less than usual makes up for much of the judge's own."""
    return context + context // 2


def _file(model: str) -> Path | None:
    """The file that a model's name means, or `None`; the embedded one need not be there where nobody uses it."""
    try:
        return weights_of(model)
    except ModelMissing:
        return None
