"""How good the critics are on labelled rows. An edge: it is handed a ready pipeline."""

from pipeline.evaluation.judged import Judged, judge_row, only_critics, only_rules
from pipeline.evaluation.measure import Evaluation, Part, evaluate
from pipeline.evaluation.metrics import figures
from pipeline.evaluation.pairs import paired
from pipeline.evaluation.record import evaluation_record
from pipeline.evaluation.report import page
from pipeline.evaluation.rows import Row, read_rows
from pipeline.evaluation.saved import read_saved, refuse_saved, saving
from pipeline.evaluation.vendors import needed

__all__ = [
    "Evaluation",
    "Judged",
    "Part",
    "Row",
    "evaluate",
    "evaluation_record",
    "figures",
    "judge_row",
    "needed",
    "only_critics",
    "only_rules",
    "page",
    "paired",
    "read_rows",
    "read_saved",
    "refuse_saved",
    "saving",
]
