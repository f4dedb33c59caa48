"""The door to scikit-learn, SciPy and matplotlib, which are not imported before they are asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from critics import ExtraMissing

EXTRA = "eval"


def vendor(module: str) -> ModuleType:
    """A module of the extra `eval`. Raises `ExtraMissing`."""
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise ExtraMissing("superego eval", EXTRA, kind="command") from exc


def needed() -> None:
    """Raise `ExtraMissing` now rather than after an hour of judging."""
    for module in ("sklearn", "matplotlib"):
        vendor(module)
