"""Which guard model the settings name, of which family it is, and the door that it is behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from critics import (
    GUARD_FAMILIES,
    NO_MODEL,
    GuardCritic,
    GuardFamily,
    GuardModel,
    Manifesto,
    guard_family,
    guard_misfits,
)
from pipeline.errors import SettingsError
from pipeline.langchain_door import ChatGuardModel, load_chat_model
from pipeline.llama import Engine, LlamaGuardModel
from pipeline.settings import GuardSettings, Settings


def guard_family_of(settings: Settings) -> str | None:
    """The configured guard model's family, as far as settings alone tell: empty where no model is configured, `None`
    where only the model's file could tell, or where the codes are the user's own."""
    wanted = settings.guard
    if not wanted.model:
        return ""
    told = _told(wanted, wanted.model)
    return told.name if told and not wanted.categories else None


def guard_critic(
    manifesto: Manifesto, settings: Settings, *, weights: Path | None, engine: Callable[[Path], Engine]
) -> GuardCritic:
    """The critic `guard` for a manifesto. `weights` are the GGUF file that the model's name means, if it means one.

    Raises `SettingsError` where no model is configured, its family cannot be told, or a rule does not fit it.
    """
    wanted = settings.guard
    rules = [rule for rule in manifesto.rules if "guard" in rule.critics]
    if not wanted.model:
        raise SettingsError(f"`{rules[0].id}`: {NO_MODEL}" if rules else NO_MODEL)
    family = _told(wanted, wanted.model)
    if family:
        _refuse_misfits(family, manifesto, wanted)
    if weights is None:
        model: GuardModel = _served(wanted, wanted.model)
    else:
        served = engine(weights)
        metadata = map(served.model.metadata, ("general.name", "general.basename", "tokenizer.chat_template"))
        family = family or _told(wanted, *metadata)
        model = LlamaGuardModel(served, template=_template(wanted))
    if family is None:
        raise SettingsError(
            f"the family of the guard model {wanted.model} cannot be told from its name"
            f"{' or its file' if weights else ''}: set `guard.family` to one of {', '.join(GUARD_FAMILIES)}"
        )
    _refuse_misfits(family, manifesto, wanted)
    return GuardCritic(
        model,
        family,
        rules=rules,
        thinks=wanted.think,
        max_tokens=wanted.max_tokens,
        categories=wanted.categories,
    )


def sought(manifesto: Manifesto, settings: Settings) -> list[str]:
    """The codes that the manifesto's rules are about, where the guard model is told, or may be, not to look for others.
    Empty, too, where a rule is about all of them."""
    family = _told(settings.guard, settings.guard.model or "")
    if family and not family.excludes:
        return []
    named = [rule.guard.codes if rule.guard else () for rule in manifesto.rules if "guard" in rule.critics]
    return sorted({" ".join(code.split()).casefold() for codes in named for code in codes}) if all(named) else []


def _told(wanted: GuardSettings, *told: str) -> GuardFamily | None:
    return guard_family(*told) if wanted.family == "auto" else GUARD_FAMILIES[wanted.family]


def _refuse_misfits(family: GuardFamily, manifesto: Manifesto, wanted: GuardSettings) -> None:
    faults = [
        f"`{rule.id}`: {what}"
        for rule in manifesto.rules
        if "guard" in rule.critics
        for _, what in guard_misfits(rule, family.name, own=tuple(wanted.categories))
    ]
    if faults:
        raise SettingsError("\n".join(faults))


def _served(wanted: GuardSettings, name: str) -> GuardModel:
    if wanted.template:
        raise SettingsError("`guard.template` is for GGUF files: give a server its template when it is started")
    model = load_chat_model(name, **wanted.reached, temperature=0.0, top_p=None, context=wanted.context)
    return ChatGuardModel(model, name=name, context=wanted.context or None, tries=wanted.tries)


def _template(wanted: GuardSettings) -> str:
    if wanted.template is None:
        return ""
    try:
        return wanted.template.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"`guard.template`: {wanted.template} cannot be read: {exc}") from exc
