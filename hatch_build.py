"""Compiles `pipeline/llama/products/` where it is of use. Without a compiler all works as well, only more slowly."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's interface
        here = platform.libc_ver()[0] == "glibc" and platform.machine() == "x86_64" and sys.maxsize > 2**32
        library = Path(self.root) / "pipeline/llama/products/libproducts.so"
        if self.target_name != "wheel" or not here or not self._compiled(library):
            return
        build_data["artifacts"].append(str(library.relative_to(self.root)))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def _compiled(self, library: Path) -> bool:
        """Beside the old one, which a process may have in use, and then in its place. Where it fails there is none."""
        partial = library.with_suffix(f".{os.getpid()}.partial")
        sources = map(str, sorted(library.parent.glob("*.c")))
        command = [*shlex.split(os.environ.get("CC", "cc")), "-O3", "-shared", "-fPIC", "-o", str(partial), *sources]
        try:
            subprocess.run(command, check=True)
            partial.replace(library)
        except (OSError, subprocess.CalledProcessError) as exc:
            self.app.display_warning(f"llama.cpp will multiply by its own means, which may be slower: {exc}")
            library.unlink(missing_ok=True)
            return False
        finally:
            partial.unlink(missing_ok=True)
        return True
