"""What critics say made worth something: calibrations and thresholds fitted to labelled rows."""

from pipeline.evaluation.calibrating.aims import Aim
from pipeline.evaluation.calibrating.calibrate import Calibrated, calibrate
from pipeline.evaluation.calibrating.fit import Method
from pipeline.evaluation.calibrating.overlay import HOW, extends_from, overlay, refuse_overwriting, write_overlay
from pipeline.evaluation.calibrating.provenance import judged_by, refuse_other_words
from pipeline.evaluation.calibrating.samples import Sample, refuse_few, samples, told_of

__all__ = [
    "HOW",
    "Aim",
    "Calibrated",
    "Method",
    "Sample",
    "calibrate",
    "extends_from",
    "judged_by",
    "overlay",
    "refuse_few",
    "refuse_other_words",
    "refuse_overwriting",
    "samples",
    "told_of",
    "write_overlay",
]
