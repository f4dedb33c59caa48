"""What a message about a model says of it, and what it must not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.addresses import bare, secrets_in


def label_of(name: str, place: str) -> str:
    """A model and where it is, which goes on record: without what may be secret in the address."""
    return f"{name} at {bare(place)}" if place else name


def secrets_of(model: object) -> Sequence[str]:
    """The keys that a model holds, and what may be secret in the address of its server. Integrations keep keys in
    fields of pydantic's secret type, and addresses in plain ones, unless only their client knows it."""
    kept = [value for value in vars(model).values() if hasattr(value, "get_secret_value")]
    keys = [secret for value in kept if (secret := str(value.get_secret_value()))]
    return [*keys, *(secret for address in _addresses(model) for secret in secrets_in(address))]


def _addresses(model: object) -> Iterator[str]:
    yield from (value for value in vars(model).values() if isinstance(value, str) and "://" in value)
    client = getattr(getattr(model, "client", None), "_client", None)  # OpenAI's, which looks into the environment
    yield str(getattr(client, "base_url", ""))
