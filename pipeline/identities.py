"""What drafts and findings depend on besides what is asked: for telling whether two runs are one, and two questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from critics import Manifesto
from pipeline import embedded
from pipeline.llama import fingerprint
from pipeline.settings import Settings
from pipeline.weights import judge_adapter, judge_name, weights_of

_NO_SAY = {"api_key", "timeout", "tries"}
"""Settings of a server that decide whether it answers, and not what."""


def conditions(settings: Settings) -> str:
    """What must be the same for two runs to be one: every setting that has a say, secrets masked, and which weights a
    file holds."""
    names = (settings.generator.model, settings.judge.model, settings.guard.model)
    files = [path for name in names if name and (path := weights_of(name))]
    files += filter(None, (judge_adapter(settings), settings.probe.file))
    return settings.model_dump_json(exclude={"server", "cache"}) + "".join(map(fingerprint, files))


def drafting(settings: Settings) -> str:
    """What drafts depend on."""
    return _told(settings, settings.generator, settings.generator.model)


def judging(settings: Settings, manifesto: Manifesto) -> Mapping[str, str]:
    """What the findings of each critic that asks a model depend on, by its name. The deterministic ones take less time
    than to look anything up, and of one of the user's own nobody knows."""
    judge = judge_name(settings)
    inherited = "" if settings.judge.model else drafting(settings)
    read = (inherited, manifesto.beliefs, manifesto.provenance)
    embeddings = _told(settings, settings.embeddings, settings.embeddings.model)
    return {
        "judge": _told(settings, settings.judge, judge, *read, files=[judge_adapter(settings)]),
        "guard": _told(settings, settings.guard, settings.guard.model or "", files=[settings.guard.template]),
        "probe": _told(settings, settings.probe, judge, files=[settings.probe.file, embedded.PROBE]),
        "semantic": embeddings,
        "grounded": embeddings,
        "remote": _told(settings, settings.remote, settings.remote.model),
    }


def _told(settings: Settings, part: BaseModel, model: str, *read: str, files: Sequence[Path | None] = ()) -> str:
    paths = [weights_of(model), *files]
    prints = [fingerprint(path.expanduser()) for path in paths if path]
    return json.dumps([part.model_dump_json(exclude=_NO_SAY), settings.optimise, model, prints, *read])
