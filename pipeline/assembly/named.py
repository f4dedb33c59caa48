"""Pipelines by the name of their manifesto, made of the same parts when they are first asked for."""

from __future__ import annotations

import threading

import critics
from pipeline.assembly.assembly import Parts
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings


class NamedPipelines:
    """Gives the pipeline for a manifesto's shipped name or path, or `own` where none is named; from any thread.

    Raises `critics.ManifestoError`, `SettingsError`, or `ModelFault` for one that cannot be had.
    """

    def __init__(self, own: Pipeline, parts: Parts, settings: Settings) -> None:
        self._own = own
        self._parts = parts
        self._settings = settings
        self._made: dict[str, Pipeline] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str | None = None) -> Pipeline:
        if name is None:
            return self._own
        with self._lock:
            if name not in self._made:
                manifesto = critics.load(name, trusted=self._settings.trusted)
                self._made[name] = self._parts.pipeline(manifesto)
            return self._made[name]
