"""`superego cache`."""

from __future__ import annotations

import json
from os.path import exists  # pathlib's raises for a name that is too long
from pathlib import Path

import typer

from pipeline.caching import Store, cache_path
from pipeline.cli.flags import options
from pipeline.cli.terminal.reporting import DONE, reported, say
from pipeline.settings import CacheSettings

app = typer.Typer(help="Drafts and verdicts that `superego batch` and `tune` keep.", no_args_is_help=True)


@app.command("show")
@reported
def show(as_json: options.Json = False, config: options.ConfigFile = None) -> int:
    """Say where the cache is, and how much is in it.

    Example: superego cache show
    """
    settings = options.settings_from(config).cache
    path = _path(settings)
    entries, taken = 0, 0
    if exists(path):
        with Store(path) as store:
            stored = store.stored()
            entries, taken = stored.entries, stored.bytes
    if as_json:
        print(json.dumps({"file": str(path), "entries": entries, "bytes": taken, "megabytes": settings.megabytes}))
    else:
        print(f"{path}: {entries} entries, {taken / 1e6:.1f} of {settings.megabytes} MB")
    return DONE


@app.command("clear")
@reported
def clear(config: options.ConfigFile = None) -> int:
    """Forget all drafts and verdicts.

    Example: superego cache clear
    """
    path = _path(options.settings_from(config).cache)
    if not exists(path):
        say(f"there is no cache at {path}")
        return DONE
    with Store(path) as store:
        store.clear()
    say(f"{path} is empty")
    return DONE


def _path(settings: CacheSettings) -> Path:
    """In full, so that nobody takes another folder's cache for it."""
    return (settings.file or cache_path()).absolute()
