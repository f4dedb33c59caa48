"""llama-cpp-python's own server, run by the fixture `upstream` as a process of its own; no test of its own."""

import os
import sys
import threading

from llama_cpp.server.__main__ import main


def die_with_parent() -> None:
    """The pipe to our standard input ends with the process that holds its other end, however that one ends."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=die_with_parent, daemon=True).start()
    main()  # type: ignore[no-untyped-call]  # llama-cpp-python leaves it untyped
