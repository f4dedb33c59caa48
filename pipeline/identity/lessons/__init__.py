"""What a `lora` is trained on: prompts that went through the loop, and what the told model makes of the answers."""

from pipeline.identity.lessons.gather import Course, gathered
from pipeline.identity.lessons.held import HELD, held_out
from pipeline.identity.lessons.lesson import Gathered, Lesson
from pipeline.identity.lessons.prompts import invented

__all__ = ["HELD", "Course", "Gathered", "Lesson", "gathered", "held_out", "invented"]
