from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from critics import Manifesto, Rule, ScriptedCritic
from pipeline import Pipeline


def said(text: str, rule: Rule) -> float | None:
    """The probability for a rule that a text itself gives, as `rule=0.7`; undecided where it gives none."""
    given = dict(word.split("=") for word in text.split() if "=" in word)
    return float(given[rule.id]) if rule.id in given else None


def telling(*rules: Rule) -> Pipeline:
    """A pipeline whose critic believes what texts say of themselves."""
    return Pipeline(Manifesto(name="m", version="1", rules=rules), ScriptedCritic(said, name="judge"))


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows into a file of JSON lines."""

    def write(rows: list[dict[str, Any]], name: str = "data.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
