"""`superego config show`."""

from __future__ import annotations

import json
import re
from typing import Annotated

import typer
import yaml

from pipeline.cli import options
from pipeline.cli.reporting import DONE, reported

_PASSWORD = re.compile(r"//[^/\s@]+@")
"""Name and password inside an address."""

app = typer.Typer(help="Settings: superego.yaml, then SUPEREGO_* variables, then flags.", no_args_is_help=True)


@app.callback()
def _config() -> None:
    """Settings: superego.yaml, then SUPEREGO_* variables, then flags."""


@app.command("show")
@reported
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
    config: options.ConfigFile = None,
) -> int:
    """Print the settings in force, secrets masked.

    Example: SUPEREGO_GENERATOR__TEMPERATURE=0 superego config show
    """
    settings = options.settings_from(config).model_dump(mode="json")
    shown = json.dumps(settings, indent=2) + "\n" if as_json else yaml.safe_dump(settings, sort_keys=False)
    print(_PASSWORD.sub("//***@", shown), end="")
    return DONE
