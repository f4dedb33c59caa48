"""What drafts and findings depend on besides what is asked: for telling whether two runs are one, and two questions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from critics import BUILT_IN, Manifesto, Rule
from pipeline.assembly import embedded
from pipeline.assembly.guards import sought
from pipeline.assembly.weights import judge_adapter, judge_borrowed, judge_name, probe_files, weights_of
from pipeline.caching.key import FORMAT
from pipeline.errors import PipelineError
from pipeline.identity import Wardrobe
from pipeline.llama import Adapter, weights_print
from pipeline.settings import Settings

NO_SAY = {"api_key", "timeout", "tries"}
"""Settings of a server that decide whether it answers, and not what."""

SERVED = ("generator", "judge", "embeddings", "remote", "guard")
_ADDRESS = re.compile(r"_(BASE_URL|API_BASE|API_URL|ENDPOINT|HOST)$", re.IGNORECASE)
"""Variables of the environment in which clients of served models look for an address that no setting gives."""


def conditions(settings: Settings) -> str:
    """What must be the same for two runs to be one: every setting that has a say, and which weights its files hold,
    wherever those lie."""
    unsaid: dict[str, Any] = {"server": True, "cache": True, **dict.fromkeys(SERVED, NO_SAY)}
    prints = [weights_print(path) for paths in files_of(settings).values() for path in paths]
    served = addresses() if asks_servers(settings) else ""
    return settings.model_dump_json(exclude=unsaid) + "".join(prints) + served


def files_of(settings: Settings) -> dict[str, Sequence[Path]]:
    """The files whose content has a say, by the setting that leads to them."""
    template = settings.guard.template
    return {
        **{f"{part}.model": [path] for part, model in _models(settings) if (path := weights_of(model))},
        "judge.adapter": [file for file in (judge_adapter(settings),) if file],
        "guard.template": [template] if template else [],
        "probe.file": probe_files(settings),
        "identity.use": Wardrobe(settings.identity.use).adapters,
    }


def asks_servers(settings: Settings) -> bool:
    """Whether a model that drafts or judges is in no file."""
    return any(not weights_of(model) for _, model in _models(settings))


def _models(settings: Settings) -> Iterator[tuple[str, str]]:
    for part in ("generator", "judge", "guard"):
        if model := getattr(settings, part).model:
            yield part, model


def known_conditions(settings: Settings, manifesto: Manifesto) -> str | None:
    """A digest of what its answers depend on; `None` where a critic is the user's own, of which nobody knows, or where
    the settings name what cannot be used, and is not used here."""
    if any(name not in BUILT_IN for rule in manifesto.rules for name in rule.critics):
        return None
    try:
        return sha256(f"{FORMAT} {conditions(settings)} {addresses()}".encode()).hexdigest()
    except (PipelineError, OSError):
        return None


def drafting(settings: Settings, adapters: Sequence[Adapter] = ()) -> str:
    """What drafts depend on beside what is asked and told. The adapters are those that are worn: of the settings' ones
    each manifesto wears its own."""
    generator = settings.generator
    scales = json.dumps([adapter.scale for adapter in adapters])
    return _told(settings, generator, generator.model, scales, files=[adapter.path for adapter in adapters])


def judging(critic: str, settings: Settings, manifesto: Manifesto) -> str | None:
    """What the findings of a critic that asks a model depend on; `None` for others. The deterministic ones take less
    time than to look anything up, and of one of the user's own nobody knows."""
    judge, guard, probe = judge_name(settings), settings.guard, settings.probe
    match critic:
        case "judge":
            inherited, adapter = drafting(settings) if judge_borrowed(settings) else "", judge_adapter(settings)
            read = () if adapter else (manifesto.beliefs, manifesto.provenance)  # a trained one is not told them
            return _told(settings, settings.judge, judge, inherited, *read, files=[adapter])
        case "guard":
            return _told(settings, guard, guard.model or "", *sought(manifesto, settings), files=[guard.template])
        case "probe":
            return _told(settings, probe, judge, files=[probe.file, embedded.PROBE])
        case "semantic" | "grounded":
            return _served(settings.embeddings, settings.embeddings.model)
        case "remote":
            return _served(settings.remote, settings.remote.model)
    return None


def listed(critic: str, settings: Settings, manifesto: Manifesto) -> tuple[Rule, ...]:
    """The rules that a critic reads together, whichever of them it is asked about: a judge that was trained reads none
    but that one, any other the list of its own."""
    if critic != "judge" or judge_adapter(settings):
        return ()
    return tuple(rule for rule in manifesto.rules if "judge" in rule.critics)


def _told(settings: Settings, part: BaseModel, model: str, *read: str, files: Sequence[Path | None] = ()) -> str:
    """What a model depends on that may be in a file."""
    weights = weights_of(model)
    prints = [weights_print(path) for path in (weights, *files) if path]
    at = None if weights else addresses()
    return json.dumps([part.model_dump_json(exclude=NO_SAY), settings.optimise, model, prints, at, *read])


def _served(part: BaseModel, model: str) -> str:
    """What one depends on that is none of ours."""
    return json.dumps([part.model_dump_json(exclude=NO_SAY), model, addresses()])


def environment_addresses() -> dict[str, str]:
    """The variables in which clients of served models may find an address."""
    return {name: value for name, value in os.environ.items() if _ADDRESS.search(name)}


def addresses() -> str:
    """Tells where a model may be that has no address of its own: rather asked anew than answered by another one. A
    digest, since an address may hold a password."""
    found = sorted(environment_addresses().items())
    return blake2b(json.dumps(found).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
