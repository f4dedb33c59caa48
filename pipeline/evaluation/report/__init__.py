"""An evaluation as one page of HTML that needs nothing else."""

from pipeline.evaluation.report.page import page

__all__ = ["page"]
