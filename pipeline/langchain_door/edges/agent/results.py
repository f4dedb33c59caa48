"""What tools gave, judged before the model reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from critics import Message
from pipeline.langchain_door.edges.agent.commands import each_message
from pipeline.langchain_door.edges.agent.hurried import hurried
from pipeline.langchain_door.edges.redrafting import mender
from pipeline.langchain_door.edges.spoken import Mend, released, said, with_text
from pipeline.langchain_door.edges.turns import text_of_turn
from pipeline.pipeline import Pipeline

R = TypeVar("R")
Conversation = Sequence[Message]

NOTICE = "[The result of this tool was withheld. Go on without it.]"


class Results:
    """A result that breaks a rule for input becomes a notice, and so does one that could not be judged, or not within
    the seconds of the manifesto's budget.

    Of what passes only what was judged is left: the text, and of a message by a model its reasoning and calls. Where no
    rule asks, all is left as it is.
    """

    def __init__(self, pipeline: Pipeline, notice: str = NOTICE) -> None:
        self._pipeline = pipeline
        self._notice = notice
        self._judged = bool(pipeline.manifesto.rules_for("input"))
        self._answers = bool(pipeline.manifesto.rules_for("output"))

    def passed(self, result: R, known: Sequence[BaseMessage], answers: Conversation | None = None) -> R:
        """The result, or in its place a notice: of a message, and of the messages of a command, whoever says them.

        Those that are `known`, because the conversation has them already, stay what they are. `answers` is the
        conversation where the result is returned as the answer to it, and the refusal in its place.
        """
        made: Any = result
        answered = answers if self._answers else None
        if self._judged or answered is not None:
            ego = hurried(self._pipeline)
            made = each_message(result, lambda m: m if m in known else self._message(m, ego, answered))
        return made  # type: ignore[no-any-return]  # what went in came out, with other words

    def _message(self, message: BaseMessage, ego: Pipeline, answers: Conversation | None) -> BaseMessage:
        text = said([message]) if isinstance(message, AIMessage) else text_of_turn(message)
        mend: Mend = str
        if text.strip() and self._judged and not _passes(ego, (Message("user", text),)):
            return _instead(message, self._notice)
        if text.strip() and answers is not None:
            mend = mender(ego, answers)
            text = mend(text)
            if not _passes(ego, answers, text):
                return _instead(message, ego.manifesto.refusal)
        if isinstance(message, AIMessage):
            made = released([message], text, mend)
            return made[0] if made else _instead(message, ego.manifesto.refusal)
        if message.content == text and answers is None:
            return message
        return _saying(message, text)


def _passes(ego: Pipeline, conversation: Conversation, response: str | None = None) -> bool:
    try:
        return ego.judge(conversation, response).outcome == "pass"
    except Exception:  # noqa: BLE001  # whatever a critic does, it has passed nothing
        return False


def _instead(message: BaseMessage, text: str) -> BaseMessage:
    made = _saying(message, text)
    return made.model_copy(update={"status": "error"}) if isinstance(made, ToolMessage) else made


def _saying(message: BaseMessage, text: str) -> BaseMessage:
    """The message with this text, and nothing beside it."""
    if isinstance(message, AIMessage):
        return with_text(message, text)
    beside = {"artifact": None} if isinstance(message, ToolMessage) else {}
    return message.model_copy(update={"content": text, **beside})
