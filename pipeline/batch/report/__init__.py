"""What came of a batch, as one page of HTML that needs nothing else."""

from pipeline.batch.report.report import Report, needed

__all__ = ["Report", "needed"]
