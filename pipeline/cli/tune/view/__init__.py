"""What `superego tune` shows: a report for a person, or JSON lines for a machine."""

from pipeline.cli.tune.view.views import shown

__all__ = ["shown"]
