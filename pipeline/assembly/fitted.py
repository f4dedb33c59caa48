"""What of a manifesto was made for one model and says nothing of another: calibrations, and the shipped probe."""

from __future__ import annotations

from collections.abc import Mapping

from critics import DETERMINISTIC, Manifesto, Rule
from pipeline.assembly.weights import judge_name
from pipeline.settings import NO_ADAPTER, Settings


def models(settings: Settings) -> Mapping[str, str]:
    """The model behind each critic that has one, as a calibration names it under `of`."""
    judge = judge_name(settings)
    return {
        "judge": _adapted(judge, settings),
        "probe": f"{judge} with {settings.probe.file.name}" if settings.probe.file else judge,
        "semantic": settings.embeddings.model,
        "grounded": settings.embeddings.model,
        "remote": settings.remote.model,
        "guard": settings.guard.model or "",
    }


def fitted(manifesto: Manifesto, settings: Settings, by: Mapping[str, str] | None = None) -> Manifesto:
    """The manifesto without the calibrations of models that are not in use, and, where there is no probe for the
    model that judges, without the critic `probe` in rules that have another. `by` are models that have judged already,
    whatever is set now."""
    by = by or {}
    used = {**models(settings), **by}
    probed = "probe" in by or not unprobed(manifesto, settings)
    rules = tuple(_without(rule, used, probed=probed) for rule in manifesto.rules)
    return manifesto if rules == manifesto.rules else manifesto.model_copy(update={"rules": rules})


def unprobed(manifesto: Manifesto, settings: Settings) -> bool:
    """Whether rules go by their other critics, because no probe is named, and none is shipped for who judges."""
    judge = judge_name(settings)
    probing = any("probe" in rule.critics and _others(rule) for rule in manifesto.rules)
    return probing and settings.probe.file is None and judge != "embedded"


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


def _others(rule: Rule) -> list[str]:
    """The critics that could speak in the probe's place: not those that look for words or patterns alone."""
    return [name for name in rule.critics if name != "probe" and name not in DETERMINISTIC]


def _without(rule: Rule, used: Mapping[str, str], *, probed: bool) -> Rule:
    left = tuple(name for name in rule.critics if name != "probe") if not probed and _others(rule) else rule.critics
    kept = {
        critic: calibration
        for critic, calibration in rule.calibration.items()
        if critic in left and (not calibration.of or calibration.of == used.get(critic, calibration.of))
    }
    return rule.model_copy(update={"critics": left, "calibration": kept})
