"""`superego config show`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
import yaml

from pipeline.addresses import masked
from pipeline.cli.flags import options
from pipeline.cli.terminal.reporting import DONE, reported

app = typer.Typer(help="Settings: superego.yaml, then SUPEREGO_* variables, then flags.", no_args_is_help=True)


@app.command("show")
@reported
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
    config: options.ConfigFile = None,
) -> int:
    """Print the settings in force, secrets masked.

    Example: SUPEREGO_GENERATOR__TEMPERATURE=0 superego config show
    """
    settings = _hidden(options.settings_from(config).model_dump(mode="json"))
    shown = json.dumps(settings, indent=2) + "\n" if as_json else yaml.safe_dump(settings, sort_keys=False)
    print(shown, end="")
    return DONE


def _hidden(value: Any, key: str = "") -> Any:
    """Without what is secret in addresses; keys hide themselves."""
    if isinstance(value, dict):
        return {name: _hidden(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    address = isinstance(value, str) and (key == "base_url" or ("://" in value and not set(value) & set(" \n")))
    return masked(value) if address else value
