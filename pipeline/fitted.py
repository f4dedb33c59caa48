"""Which model a critic is, so that a calibration that was fitted to one does not bend another's word."""

from __future__ import annotations

from collections.abc import Mapping

from critics import Manifesto, Rule
from pipeline.settings import NO_ADAPTER, Settings


def models(settings: Settings) -> Mapping[str, str]:
    """The model behind each critic that has one, as a calibration names it under `of`."""
    judge = settings.judge.model or settings.generator.model
    probe = settings.probe.file
    return {
        "judge": _adapted(judge, settings),
        "probe": judge if probe is None else f"{judge} with {probe.name}",
        "semantic": settings.embeddings.model,
        "remote": settings.remote.model,
        "guard": settings.guard.model or "",
    }


def fitted(manifesto: Manifesto, settings: Settings) -> Manifesto:
    """The manifesto without the calibrations of models that are not in use."""
    if not strangers(manifesto, settings):
        return manifesto
    used = models(settings)
    return manifesto.model_copy(update={"rules": tuple(_without(rule, used) for rule in manifesto.rules)})


def strangers(manifesto: Manifesto, settings: Settings) -> list[tuple[str, str]]:
    """The critics, and the models that some calibration of theirs was fitted to, where another is in use."""
    used = models(settings)
    found = {
        (critic, calibration.of)
        for rule in manifesto.rules
        for critic, calibration in rule.calibration.items()
        if calibration.of and calibration.of != used.get(critic, calibration.of)
    }
    return sorted(found)


def _adapted(judge: str, settings: Settings) -> str:
    adapter = settings.judge.adapter
    if adapter is None:
        return judge
    return f"{judge} as it is" if adapter == NO_ADAPTER else f"{judge} with {adapter.name}"


def _without(rule: Rule, used: Mapping[str, str]) -> Rule:
    kept = {
        critic: calibration
        for critic, calibration in rule.calibration.items()
        if not calibration.of or calibration.of == used.get(critic, calibration.of)
    }
    return rule.model_copy(update={"calibration": kept})
