"""Many prompts through one pipeline: in order, resumable, none lost, none twice."""

from pipeline.batch.reading import Input, InputFormat
from pipeline.batch.report import Report, needed
from pipeline.batch.run import Batch, run_batch
from pipeline.batch.task import Given, Prompt, Task
from pipeline.batch.telling import Began, Ended, Event, Observer, Recorded, Summary, Tally, Writing
from pipeline.batch.working import Answering, LocalRunner, Runner, Supply
from pipeline.batch.writing import Output, OutputFormat

__all__ = [
    "Answering",
    "Batch",
    "Began",
    "Ended",
    "Event",
    "Given",
    "Input",
    "InputFormat",
    "LocalRunner",
    "Observer",
    "Output",
    "OutputFormat",
    "Prompt",
    "Recorded",
    "Report",
    "Runner",
    "Summary",
    "Supply",
    "Tally",
    "Task",
    "Writing",
    "needed",
    "run_batch",
]
