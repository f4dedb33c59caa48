"""Where blocking work meets the event loop: threads, a bounded queue, and answers that are followed from outside."""

from pipeline.server.work.follow import Ended, Event, Failed, Following, Part
from pipeline.server.work.pool import Work

__all__ = ["Ended", "Event", "Failed", "Following", "Part", "Work"]
