"""A manifesto that extends the one that was measured, and gives only thresholds and calibrations."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import manifestos
from critics import Manifesto, lineage, load
from pipeline.errors import BadInput
from pipeline.evaluation.calibrating.calibrate import Calibrated, Fitted
from pipeline.evaluation.calibrating.enough import FOLDS
from pipeline.evaluation.words import span
from pipeline.files.replacing import replacing
from pipeline.rounding import number

_SUFFIX = "-calibrated"


_NUMERIC = re.compile(r"[-+.]?\d")


class _Dumper(yaml.SafeDumper):
    """Quotes whatever begins like a number: YAML 1.1, by which it is written, knows fewer of them than 1.2, by which
    manifestos are read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if _NUMERIC.match(text) else None)


_Dumper.add_representer(str, _text)


def refuse_overwriting(path: Path, name: str, *, force: bool) -> None:
    """Raise `BadInput` where the file is there and may not go, has no folder, or is what it would be built on.

    `name` is the manifesto's shipped name or path.
    """
    if os.path.realpath(path) in map(os.path.realpath, lineage(name)):  # `resolve` raises for links in a circle
        raise BadInput(f"{path} is what the new manifesto builds on: write to another file")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path} cannot be written: there is no such folder")
    if path.exists() and not force:
        raise BadInput(f"{path} is there already: choose another file, or overwrite it with --force")


def overlay(
    manifesto: Manifesto,
    extends: str,
    rules: Sequence[Calibrated],
    header: Sequence[str],
    models: Mapping[str, str] | None = None,
) -> str:
    """The YAML text: a comment with `header` and the figures of each rule, then what is changed.

    `manifesto` is the one that is extended, with all its calibrations, in force or not. `models` names
    the model behind each critic that has one: another's word is not to be corrected as its was.
    """
    inherited = {rule.id for rule in manifesto.rules if rule.calibration}
    body = {
        "name": manifesto.name.removesuffix(_SUFFIX) + _SUFFIX,
        "extends": extends,
        "rules": [_rule(c, models or {}, inherits=c.rule.id in inherited) for c in rules],
    }
    told = [*header, "", *(line for calibrated in rules for line in _told(calibrated))]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in told)
    return f"{comment}\n{yaml.dump(body, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)}"


def write_overlay(path: Path, text: str, *, trusted: tuple[str, ...]) -> None:
    """Write it whole or not at all, and only if it can be loaded. Raises `ManifestoError` or `OutputFault`."""
    with replacing(path) as part:
        part.write_text(text, "utf-8")
        load(str(part.absolute()), trusted=trusted)


def extends_from(name: str, path: Path) -> str:
    """How the file at `path` names the manifesto: its shipped name, or a path relative to the file; to one that is a
    link into another folder, the whole path, since it may be read from either place."""
    if name in manifestos.names():
        return name
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(path.absolute().parent):
        return os.path.realpath(name)
    relative = os.path.relpath(Path(name).resolve(), path.absolute().parent.resolve())
    return relative if "/" in relative or relative.endswith((".yaml", ".yml")) else f"./{relative}"


def _rule(given: Calibrated, models: Mapping[str, str], *, inherits: bool) -> dict[str, Any]:
    fits = {
        f.critic: ({"of": of} if (of := models.get(f.critic)) else {})
        | f.calibration.model_dump(mode="json", exclude_none=True)
        for f in given.critics
        if f.calibration
    }
    return {
        "id": given.rule.id,
        "threshold": given.threshold,
        # Even an empty one: what is not given would be inherited, and it was measured without.
        **({"calibration": fits} if fits or inherits else {}),
    }


def _told(given: Calibrated) -> list[str]:
    before, after = given.before, given.after
    lines = [
        f"{given.rule.id}: {after.rows} rows, {after.positives} of them broken. "
        f"Threshold {given.rule.threshold:g} to {given.threshold:g}, F1 {number(before.f1)} to {number(after.f1)},",
        f"  recall {number(before.recall)} to {number(after.recall)} (95 %: {span(after.recall_interval)}),",
        f"  false positives {number(before.false_positive_rate)} to {number(after.false_positive_rate)} "
        f"(95 %: {span(after.false_positive_interval)})",
    ]
    return lines + [_of_critic(fitted) for fitted in given.critics]


def _of_critic(f: Fitted) -> str:
    before, after = f.before, f.after
    return (
        f"  {f.critic}, {f.method or 'as it is'}: calibration error {number(before.calibration_error)} to "
        f"{number(after.calibration_error)}, log loss {before.log_loss:.3f} to {after.log_loss:.3f} ({f.rows} rows)"
    )


HOW = f"Figures after are cross-validated in {FOLDS} folds; calibration error is over 10 bins of equal mass."
