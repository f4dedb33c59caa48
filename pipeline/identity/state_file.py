"""What a model holds once it has read a manifesto, in a file: its tokens and their cells in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipeline.errors import ModelMissing, ModelUnusable
from pipeline.files.replacing import replacing
from pipeline.identity.made import Made

_WEIGHTS = "superego.made_for"
_LAYOUT = "superego.layout"


@dataclass(frozen=True)
class State:
    """`weights` is the fingerprint of the file that read, `layout` in what form its cache holds tokens."""

    made: Made
    weights: str
    layout: str
    tokens: tuple[int, ...]
    cells: npt.NDArray[np.uint8]


def write_state(path: Path, state: State) -> None:
    """Atomically. Raises `OutputFault`."""
    told = {**state.made.metadata(), _WEIGHTS: state.weights, _LAYOUT: state.layout}
    with replacing(path, SafetensorError) as part:
        # Its own way to a file makes one that nobody else can read.
        part.write_bytes(save({"tokens": np.asarray(state.tokens, np.int32), "cells": state.cells}, metadata=told))


def read_state(path: Path) -> State:
    """Raises `ModelMissing`, or `ModelUnusable` for what is no state."""
    try:
        path.open("rb").close()  # safetensors says of one that may not be read that there is none
        with safe_open(path, framework="numpy") as file:
            told = file.metadata() or {}
            made = Made.read(lambda key: told.get(key, ""))
            if made is None or made.kind != "state":
                raise ModelUnusable(f"{path} is not an identity: make one with `superego identity build`")
            tokens, cells = file.get_tensor("tokens"), file.get_tensor("cells")
    except FileNotFoundError as exc:
        raise ModelMissing(f"there is no identity {path}: make it with `superego identity build`") from exc
    except OSError as exc:
        raise ModelUnusable(f"the identity {path} cannot be read: {exc.strerror or exc}") from exc
    except SafetensorError as exc:
        raise ModelUnusable(f"{path} is not an identity, or is damaged: {exc}") from exc
    return State(made, told.get(_WEIGHTS, ""), told.get(_LAYOUT, ""), tuple(tokens.tolist()), cells)
