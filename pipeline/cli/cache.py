"""`superego cache`."""

from __future__ import annotations

import json

import typer

from pipeline.caching import Store, cache_path
from pipeline.cli import options
from pipeline.cli.reporting import DONE, reported, say

app = typer.Typer(help="Drafts and verdicts that `superego batch` and `tune` keep.", no_args_is_help=True)


@app.callback()
def _cache() -> None:
    """Drafts and verdicts that `superego batch` and `tune` keep."""


@app.command("show")
@reported
def show(as_json: options.Json = False, config: options.ConfigFile = None) -> int:
    """Say where the cache is, and how much is in it.

    Example: superego cache show
    """
    settings = options.settings_from(config).cache
    path = settings.file or cache_path()
    entries, taken = 0, 0
    if path.exists():
        with Store(path) as store:
            entries, taken = store.stored().entries, store.stored().bytes
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
    path = options.settings_from(config).cache.file or cache_path()
    if path.exists():
        with Store(path) as store:
            store.clear()
    say(f"{path} is empty")
    return DONE
