"""The same weights in a form that reads faster here, and what else pays here."""

from pipeline.llama.optimise.fingerprint import fingerprint, weights_print
from pipeline.llama.optimise.first_use import faster_form
from pipeline.llama.optimise.pacing import Pace, pace
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.llama.optimise.requantise import Figures, Kind, Spread, compared, requantised

__all__ = [
    "PASSAGE",
    "Figures",
    "Kind",
    "Pace",
    "Spread",
    "compared",
    "faster_form",
    "fingerprint",
    "pace",
    "requantised",
    "weights_print",
]
