"""Many prompts through one pipeline: in order, resumable, none lost, none twice."""

from pipeline.batch.reading import INPUT_FORMATS, Input, InputFormat
from pipeline.batch.report import Report, needed
from pipeline.batch.run import Batch, run_batch
from pipeline.batch.task import Given, Prompt, Record, Task
from pipeline.batch.telling import Began, Ended, Event, Observer, Recorded, Summary, Tally, Writing
from pipeline.batch.working import Answering, LocalRunner, Pipelines, Runner, Supply
from pipeline.batch.writing import OUTPUT_FORMATS, Output, OutputFormat

__all__ = [
    "INPUT_FORMATS",
    "OUTPUT_FORMATS",
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
    "Pipelines",
    "Prompt",
    "Record",
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
