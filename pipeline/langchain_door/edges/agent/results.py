"""What tools gave, judged before the model reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from langchain_core.messages import ToolMessage
from langgraph.types import Command

from critics import Message
from pipeline.langchain_door.edges.redrafting import mender
from pipeline.pipeline import Pipeline

R = TypeVar("R")
Conversation = Sequence[Message]

NOTICE = "[The result of this tool was withheld. Go on without it.]"


class Results:
    """A result that breaks a rule for input becomes a notice, and so does one that could not be judged.

    Of what passes only the text is left, because nothing else was judged. Where no rule asks, all is left as it is.
    """

    def __init__(self, pipeline: Pipeline, notice: str = NOTICE) -> None:
        self._pipeline = pipeline
        self._notice = notice
        self._judged = bool(pipeline.manifesto.rules_for("input"))
        self._answers = bool(pipeline.manifesto.rules_for("output"))

    def passed(self, result: R, answers: Conversation | None = None) -> R:
        """The result, or in its place a notice: of a message, and of the messages of a command.

        `answers` is the conversation where the result is returned as the answer to it, and the refusal in its place.
        """
        made: Any = result
        answers = answers if self._answers else None
        if isinstance(result, ToolMessage):
            made = self._message(result, answers)
        elif isinstance(result, Command):
            made = replace(result, update=self._update(result.update, answers))
        elif isinstance(result, list):
            made = [self.passed(item, answers) for item in result]
        return made  # type: ignore[no-any-return]  # what went in came out, with other words

    def _update(self, update: Any, answers: Conversation | None) -> Any:
        if isinstance(update, dict):
            return {key: self.passed(value, answers) for key, value in update.items()}
        if isinstance(update, list | tuple):
            return [
                (item[0], self.passed(item[1], answers)) if isinstance(item, tuple) else self.passed(item, answers)
                for item in update
            ]
        return update

    def _message(self, message: ToolMessage, answers: Conversation | None) -> ToolMessage:
        if not self._judged and answers is None:
            return message
        text = str(message.text)
        if text.strip() and self._judged and not self._passes((Message("user", text),)):
            return _instead(message, self._notice)
        if text.strip() and answers is not None:
            text = mender(self._pipeline, answers)(text)
            if not self._passes(answers, text):
                return _instead(message, self._pipeline.manifesto.refusal)
        return message if message.content == text else message.model_copy(update={"content": text, "artifact": None})

    def _passes(self, conversation: Conversation, response: str | None = None) -> bool:
        try:
            return self._pipeline.judge(conversation, response).outcome == "pass"
        except Exception:  # noqa: BLE001  # whatever a critic does, it has passed nothing
            return False


def _instead(message: ToolMessage, text: str) -> ToolMessage:
    return message.model_copy(update={"content": text, "artifact": None, "status": "error"})
