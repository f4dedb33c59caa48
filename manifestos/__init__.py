"""The shipped manifestos: data, and the way to find them by name."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEFAULT", "names", "path", "schema_path"]

DEFAULT = "helpful-harmless-honest"

_HERE = Path(__file__).parent


def names() -> list[str]:
    """Names of the shipped manifestos, in alphabetical order."""
    return sorted(file.stem for file in _HERE.glob("*.yaml"))


def path(name: str) -> Path:
    """The file of a shipped manifesto. Raises `KeyError` where there is none of that name."""
    if name not in names():
        raise KeyError(name)
    return _HERE / f"{name}.yaml"


def schema_path() -> Path:
    """The JSON schema that editors use to complete and check a manifesto."""
    return _HERE / "schema.json"
