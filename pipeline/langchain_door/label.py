"""What a message about a model says of it, and what it must not say."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.addresses import bare


def label_of(name: str, place: str) -> str:
    """A model and where it is, which goes on record: without what may be secret in the address."""
    return f"{name} at {bare(place)}" if place else name


def secrets_of(model: object) -> Sequence[str]:
    """The keys that a model holds; integrations keep them in fields of pydantic's secret type."""
    kept = [value for value in vars(model).values() if hasattr(value, "get_secret_value")]
    return [secret for value in kept if (secret := str(value.get_secret_value()))]
