"""Names, files and folders of manifestos, and when they change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import manifestos
from critics import lineage, locate
from pipeline.errors import BadInput

_SUFFIXES = (".yaml", ".yml")

Stamp = tuple[tuple[str, int, int], ...]
"""Of each file: its path, when it was changed, its size; -1 for one that is not there."""


class ManifestoFiles:
    """What `-m` names: shipped names, files, and folders, in which each YAML file is a manifesto."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._folders: set[str] = set()
        self._lines: dict[str, tuple[Stamp, tuple[Path, ...]]] = {}

    def stamps(self) -> dict[str, Stamp]:
        """Each manifesto by what it is loaded by, and what changes with its files and those that they build on. Raises
        `OSError` for a folder that cannot be looked into, or is not there any more."""
        return {name: self._stamp(name) for name in self._each()}

    def _each(self) -> list[str]:
        found: dict[str, str] = {}
        for name in self._names:
            folder = Path(name)
            if name in self._folders or self._is_folder(name):
                self._folders.add(name)
                inside = sorted(file for file in folder.iterdir() if _is_manifesto(file))
                if not inside and not self._lines:
                    raise BadInput(f"there is no manifesto in the folder {name}")
                each = list(map(str, inside))
            else:
                each = [name]
            for source in each:  # one that is named twice, as a file and with its folder, is one
                found.setdefault(os.path.realpath(locate(source)), source)
        return list(found.values())

    def _is_folder(self, name: str) -> bool:
        return Path(name).is_dir() and name not in manifestos.names() and not name.endswith(_SUFFIXES)

    def _stamp(self, name: str) -> Stamp:
        """Cheap as long as nothing has changed: a look at each file, and none into it."""
        if name in self._lines:
            before, files = self._lines[name]
            if (now := _looked(files)) == before:
                return now
        files = lineage(name)
        now = _looked(files)
        self._lines[name] = (now, files)
        return now


def _is_manifesto(file: Path) -> bool:
    # What is hidden is an editor's: Emacs has a link that leads nowhere beside a file that is being edited.
    return file.suffix in _SUFFIXES and not file.name.startswith(".")


def _looked(files: Sequence[Path]) -> Stamp:
    stamps = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            stamps.append((str(file), 0, -1))
        else:
            stamps.append((str(file), stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)
