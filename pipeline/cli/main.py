"""The command line: `superego`. Each command parses, calls once, and sets the exit code."""

from __future__ import annotations

import importlib.metadata
import io
import logging
import os
import sys
import threading
from typing import Annotated

import typer

from critics import THREAD
from pipeline.cli import ask, cache, check, config, judge, key, model
from pipeline.cli.batch import batch
from pipeline.cli.critic import critic
from pipeline.cli.evaluation import calibrate, evaluate
from pipeline.cli.identity import identity
from pipeline.cli.serve import serve
from pipeline.cli.terminal.reporting import DONE, reported
from pipeline.cli.tune import tune

app = typer.Typer(
    name="superego",
    help="An untamed local model drafts; a critic holds each draft against a manifesto that people can read and edit.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("judge")(judge.judge)
app.command("batch")(batch.batch)
app.command("serve")(serve.serve)
app.command("tune")(tune.tune)
app.command("check")(check.check)
app.command("eval")(evaluate.evaluate_critics)
app.command("calibrate")(calibrate.calibrate_critics)
app.command("manifestos")(check.manifestos)
app.add_typer(config.app, name="config")
app.add_typer(model.app, name="model")
app.add_typer(critic.app, name="critic")
app.add_typer(identity.app, name="identity")
app.add_typer(key.app, name="key")
app.add_typer(cache.app, name="cache")


@app.callback()
def _superego(
    version: Annotated[  # `_version` has said it
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=lambda on: on and _version())
    ] = False,
) -> None:
    pass


@reported
def _version() -> int:
    print(f"superego {importlib.metadata.version('superego')}")
    return DONE


def main() -> None:
    """Run the command line."""
    # What is tried again is told in the end, in words; the retry library's own notes are for servers' logs.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an answer is not lost for a letter that a terminal lacks
    _tell_what_takes_time()
    try:
        app()
    except SystemExit as stop:
        _leave_critics_behind(stop.code if isinstance(stop.code, int) else DONE)
        raise


def _tell_what_takes_time() -> None:
    """Whoever waits at a terminal should know what for."""
    log = logging.getLogger("superego")
    log.addHandler(logging.StreamHandler())  # standard error
    log.setLevel(logging.INFO)


def _leave_critics_behind(code: int) -> None:
    """End at once where a critic that took too long, or an answer that nobody waits for, is still at work: tearing a
    model down under it would crash, and waiting for it would take as long as an upstream does."""
    if any(thread.name == THREAD or thread.name.startswith("answer") for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
