"""A probe as a safetensors file: a tensor of weights for each head, and in the metadata what they belong to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from critics.errors import ModelError
from critics.probe.probe import Head, Probe

FORMAT = "superego-probe-1"


def read_probe(path: Path) -> Probe:
    """Raises `ModelError` for a file that is missing or no probe."""
    try:
        with safe_open(str(path), framework="numpy") as file:
            told = file.metadata() or {}
            if told.get("format") != FORMAT:
                raise ModelError(f"{path} is no probe: make one with `superego critic train --kind probe`")
            intercepts: dict[str, float] = json.loads(told["intercepts"])
            heads = {
                name: Head(np.asarray(file.get_tensor(name), dtype=np.float32), float(intercept))
                for name, intercept in intercepts.items()
            }
            for name, head in heads.items():
                if head.weights.ndim != 1 or not np.isfinite([*head.weights, head.intercept]).all():
                    raise ValueError(f"the head {name!r} is no list of numbers")
            return Probe(heads, tuple(json.loads(told["layers"])), told["weights"])
    except FileNotFoundError as exc:
        raise ModelError(f"there is no probe file {path}") from exc
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError) as exc:
        raise ModelError(f"{path} is no probe that can be read: {exc}") from exc


def write_probe(path: Path, probe: Probe) -> None:
    """Write it, in half precision. Raises `OSError`."""
    tensors = {name: head.weights.astype(np.float16) for name, head in probe.heads.items()}
    told = {
        "format": FORMAT,
        "weights": probe.fingerprint,
        "layers": json.dumps(probe.layers),
        "intercepts": json.dumps({name: head.intercept for name, head in probe.heads.items()}),
    }
    path.write_bytes(save(tensors, metadata=told))  # its own way to a file makes one that nobody else can read
