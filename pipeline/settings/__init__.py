"""Which models are used and how, and what is wrong with what was set."""

from pipeline.settings.misset import unused
from pipeline.settings.settings import (
    NO_ADAPTER,
    CacheSettings,
    GuardSettings,
    IdentitySettings,
    ServedSettings,
    Settings,
    find_upward,
    load_settings,
)

__all__ = [
    "NO_ADAPTER",
    "CacheSettings",
    "GuardSettings",
    "IdentitySettings",
    "ServedSettings",
    "Settings",
    "find_upward",
    "load_settings",
    "unused",
]
