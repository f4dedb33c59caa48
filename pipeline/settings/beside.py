"""Paths that stand in a file of settings are meant from where the file is, whoever reads it and wherever."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import manifestos

_Moved = Callable[[Path, str], str]


def beside(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are told, with each relative path put behind the folder of their file. Names stay what they
    are, and so does what begins with `~`."""
    return {group: _group(folder, group, value) for group, value in told.items()}


def _group(folder: Path, group: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(folder, _BY_KEY.get((group, key)), inner) for key, inner in value.items()}
    return _value(folder, _BY_KEY.get((group, "")), value)


def _value(folder: Path, moved: _Moved | None, value: Any) -> Any:
    """What is no text or list of texts is somebody else's to complain of."""
    if moved is None:
        return value
    if isinstance(value, list):
        return [_value(folder, moved, item) for item in value]
    return moved(folder, value) if isinstance(value, str) and value and "\0" not in value else value


def _file(folder: Path, name: str) -> str:
    return name if name.startswith("~") else os.path.join(folder, name)


def _adapter(folder: Path, name: str) -> str:
    return name if name == "none" else _file(folder, name)


def _identity(folder: Path, name: str) -> str:
    return name if name in ("none", "preprompt") else _file(folder, name)


def _model(folder: Path, name: str) -> str:
    """Only files of weights have a path, those of `chat-llama-cpp:` behind it."""
    kind, colon, path = name.rpartition(":")
    here = name.endswith(".gguf") and kind in ("", "chat-llama-cpp")
    return f"{kind}{colon}{_file(folder, path)}" if here else name


def _manifesto(folder: Path, name: str) -> str:
    return _file(folder, name) if "/" in name or name.endswith((".yaml", ".yml")) else name


def _served(folder: Path, name: str) -> str:
    """A folder of manifestos needs no slash."""
    is_folder = name not in manifestos.names() and (folder / name).is_dir()
    return _file(folder, name) if is_folder else _manifesto(folder, name)


_BY_KEY: Mapping[tuple[str, str], _Moved] = {
    ("manifesto", ""): _manifesto,
    ("generator", "model"): _model,
    ("judge", "model"): _model,
    ("guard", "model"): _model,
    ("judge", "adapter"): _adapter,
    ("probe", "file"): _file,
    ("guard", "template"): _file,
    ("identity", "use"): _identity,
    ("cache", "file"): _file,
    ("server", "manifestos"): _served,
}
