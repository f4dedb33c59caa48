"""Errors to one clear text and an exit code; data to standard output, all else to standard error."""

from __future__ import annotations

import errno
import functools
import os
import select
import sys
from collections.abc import Callable
from typing import ParamSpec, TextIO

import typer
from rich.console import Console

from critics import CriticsError, ManifestoError
from pipeline.errors import BadInput, PipelineError, SettingsError

DONE, FAULT, USAGE, WITHHELD, INTERRUPTED = 0, 1, 2, 3, 130

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

P = ParamSpec("P")


class _AsItIs(Console):
    """Prints words as they are: to rich, `[x]` in a name is a style, and `:100:`, a line of a file, a picture."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)


class _Told(_AsItIs):
    """Who reads no more is told no more, and the work goes on: rich itself would end the process."""

    def on_broken_pipe(self) -> None:
        unread(sys.stderr)


class _Printed(_AsItIs):
    """Leaves a reader that has left to `reported`: rich itself would end the process as if something were wrong."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stderr() -> Console:
    """A console on standard error, made when needed so that it sees the stream of the moment."""
    return _Told(stderr=True)


def stdout() -> Console:
    """As wide as the terminal; in a pipe or a file, wide enough that no table is cut."""
    console = _Printed()
    if not console.is_terminal:
        console.width = max(console.width, 120)
    return console


def say(text: str, *, style: str = "") -> None:
    """A line on standard error, unwrapped."""
    stderr().print(text, style=style, soft_wrap=True)


def note(text: str) -> None:
    """What is worth to be known, and no fault."""
    say(text, style="yellow")


def unread(stream: TextIO) -> None:
    """Let the rest go nowhere, so that nothing ends because of it, and Python does not complain at exit."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


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
        except BrokenPipeError as exc:
            code = _broken(exc)
        except OSError as exc:
            if exc.errno not in _NO_ROOM:
                raise
            code = _unwritten(exc)
        raise typer.Exit(_flushed(code))

    return run


def _broken(exc: BrokenPipeError) -> int:
    """Nothing more is wanted where the reader of standard output has left (`| head`); any other pipe is a fault."""
    if not (sys.stdout and _left(sys.stdout)):
        say(f"a connection broke: {exc}", style="red")
        return FAULT
    unread(sys.stdout)
    return DONE


def _left(stream: TextIO) -> bool:
    """Whether it is a pipe that nobody reads any more; taken for granted where the system cannot say."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    try:
        poll.register(stream, select.POLLOUT)
    except ValueError:  # it is no file, but something in memory
        return False
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in poll.poll(0))


def _flushed(code: int) -> int:
    """Print what is left to print while a reader that has left can still be told from a fault, such as a full disk."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        unread(sys.stdout)
    except OSError as exc:
        return _unwritten(exc)
    return code


def _unwritten(exc: OSError) -> int:
    if sys.stdout and exc.filename is None:
        unread(sys.stdout)  # or what is left of it would be tried, and told, once more
    say(f"{exc.filename or 'what was to be printed'} cannot be written: {exc.strerror}", style="red")
    return FAULT
