"""The same weights in a form that reads faster here."""

from pipeline.llama.optimise.fingerprint import fingerprint, weights_print
from pipeline.llama.optimise.first_use import faster_form
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.llama.optimise.requantise import Figures, Kind, Spread, compared, requantised

__all__ = [
    "PASSAGE",
    "Figures",
    "Kind",
    "Spread",
    "compared",
    "faster_form",
    "fingerprint",
    "requantised",
    "weights_print",
]
