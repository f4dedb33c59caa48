"""`superego model`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path
from rich import box
from rich.table import Table

from pipeline.assembly.weights import weights_of
from pipeline.cli.flags import options
from pipeline.cli.terminal.fitting import Fitting
from pipeline.cli.terminal.reporting import DONE, reported, say, stderr, stdout
from pipeline.errors import BadInput, ModelMissing
from pipeline.llama import Figures, Kind, Spread, compared, requantised

app = typer.Typer(help="What can be done with a model's weights.", no_args_is_help=True)


@app.command("optimise")
@reported
def optimise(
    model: Annotated[str, typer.Argument(help="embedded, or a GGUF file.")] = "embedded",
    kind: Annotated[
        Kind, typer.Option("--to", help="q8_0 and bf16 lose least, iq4_nl is small and may draft faster.")
    ] = "q8_0",
    cache: Annotated[Path | None, typer.Option("--cache", help="Where to keep it.", show_default=False)] = None,
    as_json: options.Json = False,
    config: options.ConfigFile = None,
) -> int:
    """Re-quantise a model into a form that may read faster here, and say what that gains and costs.

    The new file is kept in the user's cache folder, by the fingerprint of the old one, and used where you name it. Only
    the embedded model, where it judges, is used so by itself (setting `optimise`).

    Example: superego model optimise embedded --to q8_0
    """
    settings = options.settings_from(config)
    path = weights_of(model)
    if path is None:
        raise BadInput(f"{model!r} is not a model in a file: give a path that ends in .gguf, or embedded")
    if not path.is_file():
        raise ModelMissing(f"there is no model file {path}")
    with stderr().status("writing and measuring, about half a minute for a small model …"):
        folder = cache or user_cache_path("superego") / "models"
        target = requantised(path, kind, folder, threads=settings.threads)
        before, after = compared((path, target), threads=settings.threads)
    if as_json:
        print(json.dumps({"original": _plain(before), "optimised": _plain(after)}, indent=2))
    else:
        stdout().print(Fitting(_table(before, after)))
        say(f"To use it: {_use(model, kind, target)}")
    return DONE


def _use(model: str, kind: Kind, target: Path) -> str:
    if kind != "iq4_nl":
        return f"--judge {target}"
    return "optimise: iq4_nl, in the settings" if model == "embedded" else f"--generator {target}"


def _plain(figures: Figures) -> dict[str, object]:
    speeds = {"reading": vars(figures.reading), "writing": vars(figures.writing)}
    return {"path": str(figures.path), "size": figures.size, **speeds, "perplexity": figures.perplexity}


def _table(before: Figures, after: Figures) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for title in ("", "original", "optimised", "ratio"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row("size, MB", f"{before.size / 1e6:.0f}", f"{after.size / 1e6:.0f}", f"{after.size / before.size:.2f}")
    table.add_row("reading, tokens/s", *_speeds(before.reading, after.reading))
    table.add_row("writing, tokens/s", *_speeds(before.writing, after.writing))
    ratio = f"{after.perplexity / before.perplexity:.3f}"
    table.add_row("perplexity (lower is better)", f"{before.perplexity:.2f}", f"{after.perplexity:.2f}", ratio)
    return table


def _speeds(before: Spread, after: Spread) -> tuple[str, str, str]:
    return _speed(before), _speed(after), f"{after.median / before.median:.2f}"


def _speed(speed: Spread) -> str:
    return f"{speed.median:.0f} ({speed.lowest:.0f} to {speed.highest:.0f})"
