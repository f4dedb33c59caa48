"""An evaluation as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipeline.evaluation.bootstrap import SAMPLES
from pipeline.evaluation.cases import Cases
from pipeline.evaluation.measure import Evaluation, Part
from pipeline.evaluation.metrics import BINS, Figures, figures
from pipeline.files.records import manifesto_record


def evaluation_record(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that was measured, with every figure that could not be told as null."""
    return {
        "manifesto": manifesto_record(evaluation.manifesto),
        "critics": list(evaluation.critics) or None,
        "how": {
            "interval": 0.95,
            "bootstrap_samples": SAMPLES,
            "intervals_of_shares": "Clopper-Pearson, effective sample size",
            "calibration_bins": BINS,
            "bins_of": "equal mass",
        },
        "parts": [_part(part) for part in evaluation.parts],
        "comparison": asdict(evaluation.comparison) if evaluation.comparison else None,
        "notes": list(evaluation.notes),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "name": part.name,
        **_figures(part.figures),
        "tokens": part.tokens,
        "seconds": part.seconds,
        "baselines": {name: _of_baseline(part, cases) for name, cases in part.baselines.items()},
        "mistakes": [asdict(mistake) for mistake in part.mistakes],
    }


def _of_baseline(part: Part, cases: Cases) -> dict[str, Any]:
    return _figures(figures(cases, prompts=part.figures.prompts, intervals=False))


def _figures(given: Figures) -> dict[str, Any]:
    return {**asdict(given), "undecided_share": given.undecided_share}
