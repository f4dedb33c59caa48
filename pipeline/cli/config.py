"""`superego config show`."""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from pipeline.cli import options
from pipeline.cli.reporting import DONE, reported

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
    settings = options.settings_from(config)
    if as_json:
        print(settings.model_dump_json(indent=2))
    else:
        print(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), end="")
    return DONE
