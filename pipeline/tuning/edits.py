"""What of a manifesto was edited, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from critics import Manifesto, Rule


@dataclass(frozen=True)
class Edit:
    """What is otherwise in a rule, or where there is none in the rest of the manifesto."""

    what: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}" if self.rule else self.what


def edits(before: Manifesto, after: Manifesto) -> tuple[Edit, ...]:
    """Each difference that has a say, as `calm: threshold 0.5 → 0.7`; nothing where the two are alike."""
    old, new = ({rule.id: rule for rule in manifesto.rules} for manifesto in (before, after))
    found = [Edit(what) for what in _fields(before, after, without=("rules",))]
    found += [Edit("new rule", name) for name in new if name not in old]
    found += [Edit("rule taken out", name) for name in old if name not in new]
    for name in (name for name in new if name in old):
        if changed := ", ".join(_rule(old[name], new[name])):
            found.append(Edit(changed, name))
    return tuple(found)


def _rule(before: Rule, after: Rule) -> list[str]:
    return _fields(before, after, without=("id",))


def _fields(before: BaseModel, after: BaseModel, *, without: tuple[str, ...]) -> list[str]:
    fields = type(before).model_fields
    return [
        _field(fields[name].alias or name, getattr(before, name), getattr(after, name))
        for name in fields
        if name not in without and getattr(before, name) != getattr(after, name)
    ]


def _field(name: str, before: object, after: object) -> str:
    """With both values where they are short."""
    return f"{name} {before} → {after}" if _short(before) and _short(after) else name


def _short(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and " " not in value and value != "")
