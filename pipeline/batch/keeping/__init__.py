"""What has been done, kept so that a run that is killed at any instant goes on as if it had not been."""

from pipeline.batch.keeping.facts import changed
from pipeline.batch.keeping.journal import Journal
from pipeline.batch.keeping.ordered import AHEAD

__all__ = ["AHEAD", "Journal", "changed"]
