"""How far a batch is: a display on a terminal, plain lines in a log, JSON lines for a machine, or nothing."""

from pipeline.cli.batch.progress.views import shown

__all__ = ["shown"]
