"""What tools gave, judged before the model reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from langchain_core.messages import ToolMessage
from langgraph.types import Command

from critics import Message
from pipeline.pipeline import Pipeline

R = TypeVar("R")

NOTICE = "[The result of this tool was withheld. Go on without it.]"


class Results:
    """A result that breaks a rule for input becomes a notice, and so does one that could not be judged.

    Of what passes only the text is left, because nothing else was judged. Without rules for input all passes.
    """

    def __init__(self, pipeline: Pipeline, notice: str = NOTICE) -> None:
        self._pipeline = pipeline
        self._notice = notice
        self._judged = bool(pipeline.manifesto.rules_for("input"))

    def passed(self, result: R) -> R:
        """The result, or in its place a notice: of a message, and of the messages of a command."""
        if not self._judged:
            return result
        made: Any = result
        if isinstance(result, ToolMessage):
            made = self._message(result)
        elif isinstance(result, Command):
            made = replace(result, update=self._update(result.update))
        elif isinstance(result, list):
            made = [self.passed(item) for item in result]
        return made  # type: ignore[no-any-return]  # what went in came out, with other words

    def _update(self, update: Any) -> Any:
        if isinstance(update, dict):
            return {key: self.passed(value) for key, value in update.items()}
        if isinstance(update, list | tuple):
            return [self._update_item(item) for item in update]
        return update

    def _update_item(self, item: Any) -> Any:
        return (item[0], self.passed(item[1])) if isinstance(item, tuple) else self.passed(item)

    def _message(self, message: ToolMessage) -> ToolMessage:
        text = str(message.text)
        if text.strip() and not self._passes(text):
            return message.model_copy(update={"content": self._notice, "artifact": None, "status": "error"})
        return message if isinstance(message.content, str) else message.model_copy(update={"content": text})

    def _passes(self, text: str) -> bool:
        try:
            return self._pipeline.judge((Message("user", text),)).outcome == "pass"
        except Exception:  # noqa: BLE001  # whatever a critic does, it has passed nothing
            return False
