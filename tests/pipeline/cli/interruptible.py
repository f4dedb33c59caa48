"""The command line in a process of its own that Ctrl-C reaches; no test of its own."""

from __future__ import annotations

import sys

COMMAND = [
    sys.executable,
    "-c",
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('pipeline.cli', run_name='__main__')",
]
"""To be followed by arguments. What a shell starts in the background ignores SIGINT, and so does all that comes of
it; no test may hang because of where it is run."""
