"""Errors to one clear text and an exit code; data to standard output, all else to standard error."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer
from rich.console import Console

from critics import CriticsError, ManifestoError
from pipeline.errors import BadInput, PipelineError, SettingsError

DONE, FAULT, USAGE, WITHHELD, INTERRUPTED = 0, 1, 2, 3, 130

P = ParamSpec("P")


def stderr() -> Console:
    """A console on standard error, made when needed so that it sees the stream of the moment."""
    return Console(stderr=True, highlight=False)


def stdout() -> Console:
    """As wide as the terminal; in a pipe or a file, wide enough that no table is cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    return console


def say(text: str, *, style: str = "") -> None:
    """A line on standard error, as it is: no markup, no wrapping."""
    stderr().print(text, style=style, markup=False, soft_wrap=True)


def reported(command: Callable[P, int]) -> Callable[P, None]:
    """Turn what a command returns or raises into the process's exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except (ManifestoError, SettingsError, BadInput) as exc:
            say(str(exc), style="red")
            code = USAGE
        except (PipelineError, CriticsError) as exc:
            say(str(exc), style="red")
            code = FAULT
        except KeyboardInterrupt:
            say("interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            # The reader has left (`| head`): nothing more is wanted, and Python must not complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = DONE
        raise typer.Exit(code)

    return run
