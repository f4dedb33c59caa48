"""Records out: JSON lines, CSV, Parquet, OpenAI's result files; one file or a folder of shards, there all at once."""

from pipeline.batch.writing.output import Output, OutputFormat

__all__ = ["Output", "OutputFormat"]
