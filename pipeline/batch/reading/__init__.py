"""Records in: JSON lines, OpenAI's request files, CSV, Parquet and plain lines, packed or not, bigger than memory."""

from pipeline.batch.reading.coming import coming
from pipeline.batch.reading.formats import Input, InputFormat
from pipeline.batch.reading.repeated import Ids

__all__ = ["Ids", "Input", "InputFormat", "coming"]
