"""Tasks in, records out: what is done with one, and how several are worked on at a time."""

from pipeline.batch.working.answering import Answering
from pipeline.batch.working.local import LocalRunner
from pipeline.batch.working.reach import Reach
from pipeline.batch.working.runner import LOOK, Runner, Supply

__all__ = ["LOOK", "Answering", "LocalRunner", "Reach", "Runner", "Supply"]
