"""`superego check` and `superego manifestos`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

import manifestos as shipped
from critics import CriticsError, load, read_probe
from critics import check as check_manifesto
from pipeline.assembly.guards import guard_family_of
from pipeline.assembly.weights import probe_files
from pipeline.cli.flags import options
from pipeline.cli.terminal.fitting import Fitting
from pipeline.cli.terminal.reporting import DONE, USAGE, reported, say, stdout
from pipeline.settings import Settings


@reported
def check(
    files: Annotated[list[str], typer.Argument(help="Paths, or shipped names.")],
    as_json: options.Json = False,
    config: options.ConfigFile = None,
) -> int:
    """Say everything that is wrong with manifestos, as path:line:column. Exit code 2 if anything is.

    Example: superego check my-manifesto.yaml
    """
    settings = options.loaded(config)
    known: dict[str, Any] = {"guard": guard_family_of(settings), "heads": _heads(settings)}
    faults = {file: check_manifesto(file, trusted=settings.trusted, **known) for file in files}
    if as_json:
        print(json.dumps([vars(fault) for found in faults.values() for fault in found], indent=2))
    for file, found in faults.items():
        for fault in () if as_json else found:
            print(fault)
        if not found:
            say(f"{file}: nothing wrong", style="green")
    return USAGE if any(faults.values()) else DONE


@reported
def manifestos(as_json: options.Json = False) -> int:
    """List the shipped manifestos, with their files.

    Example: superego manifestos
    """
    loaded = [(name, load(name)) for name in shipped.names()]
    if as_json:
        rows = [
            {"name": m.name, "version": m.version, "description": m.description, "path": str(shipped.path(name))}
            for name, m in loaded
        ]
        print(json.dumps(rows, indent=2))
        return DONE
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("rules", justify="right")
    table.add_column("what it is for", overflow="fold")
    for name, manifesto in loaded:
        table.add_row(name, str(len(manifesto.rules)), manifesto.description)
    stdout().print(Fitting(table))
    say(f"They lie in {Path(shipped.path(shipped.DEFAULT)).parent}; copy one, or build on it with `extends:`.")
    return DONE


def _heads(settings: Settings) -> frozenset[str] | None:
    try:
        return frozenset(head for file in probe_files(settings) for head in read_probe(file).heads)
    except CriticsError:
        return None
