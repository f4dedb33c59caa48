"""Names, files and folders of manifestos, and when they change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import manifestos
from critics import lineage
from pipeline.errors import BadInput

_SUFFIXES = (".yaml", ".yml")

Stamp = tuple[tuple[str, int, int], ...]
"""Of each file: its path, when it was changed, its size; -1 for one that is not there."""


class ManifestoFiles:
    """What `-m` names: shipped names, files, and folders, in which each YAML file is a manifesto."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._lines: dict[str, tuple[Stamp, tuple[Path, ...]]] = {}

    def stamps(self) -> dict[str, Stamp]:
        """Each manifesto by what it is loaded by, and what changes with its files and those that they build on."""
        return {name: self._stamp(name) for name in self._each()}

    def _each(self) -> list[str]:
        found: list[str] = []
        for name in self._names:
            folder = Path(name)
            if folder.is_dir() and name not in manifestos.names() and not name.endswith(_SUFFIXES):
                inside = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
                if not inside and not self._lines:
                    raise BadInput(f"there is no manifesto in the folder {name}")
                found += map(str, inside)
            else:
                found.append(name)
        return list(dict.fromkeys(found))

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
