"""Many prompts through one pipeline: in order, resumable, none lost."""

from pipeline.batch.run import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
