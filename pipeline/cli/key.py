"""`superego key`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from critics import ExtraMissing
from pipeline.cli.flags import options
from pipeline.cli.terminal.reporting import DONE, reported, say

app = typer.Typer(help="Keys to `superego serve`.", no_args_is_help=True)


@app.command("new")
@reported
def new(
    name: Annotated[str, typer.Argument(help="Whose it is, for the log.")],
    manifestos: Annotated[
        list[str] | None, typer.Option("-m", "--manifesto", help="What it is for, by name; else all.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Make a key. It is shown once; superego.yaml gets its hash.

    Example: superego key new website -m public-assistant
    """
    try:
        from pipeline.server import new_key  # an extra
    except ImportError as exc:
        raise ExtraMissing("key", "server", kind="command") from exc
    key, digest = new_key()
    entry = {"name": name, "sha256": digest, "manifestos": list(manifestos or ())}
    if as_json:
        print(json.dumps({"key": key, **entry}))
        return DONE
    print(key)
    # Letters as they are: JSON writes some as two escapes, which YAML does not take for one.
    say(f"\nIt is shown only now. In superego.yaml:\n\nserver:\n  keys:\n    - {json.dumps(entry, ensure_ascii=False)}")
    return DONE
