"""What a tool gave, message by message: its own, and those that its commands hand on in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.types import Command, Overwrite, Send

from pipeline.langchain_door.edges.turns import as_message

Judged = Callable[[BaseMessage], BaseMessage]

_SPOKEN = ("messages", "__root__")  # parts of the state where a text stands for a message
_OVERWRITTEN = ("__overwrite__", "value")  # where an `Overwrite` that was written as JSON has what it writes


def each_message(given: Any, judged: Judged) -> Any:
    """What a tool gave, with every message in it `judged`, in each form that LangGraph takes for one: of commands those
    in their updates, in what they send to nodes, and in what they resume with. What passes stays as it is written.

    Calls of tools that are sent to a node are judged as those of a message are, and not sent where they do not pass."""
    return _Walk(judged).through(given)


class _Walk:
    def __init__(self, judged: Judged) -> None:
        self._judged = judged

    def through(self, value: Any, *, spoken: bool = False) -> Any:
        """A part of it; where it is `spoken`, a text is a message."""
        if isinstance(value, Command):
            return self._command(value)
        if isinstance(value, Overwrite):
            return replace(value, value=self.through(value.value, spoken=spoken))
        if spoken and isinstance(value, str):
            text = str(self._judged(HumanMessage(value)).text)
            return value if text == value else text
        if (message := as_message(value)) is not None:
            passed = self._judged(message)
            return value if passed == message else passed
        if isinstance(value, dict):
            return self._fields(value, spoken=spoken)
        if type(value) in (list, tuple):  # of other sequences nobody knows how they are made
            made = _with_calls(value, [self.through(item, spoken=spoken) for item in value])
            return _as_it_was(value, made if isinstance(value, list) else tuple(made))
        return value

    def _command(self, command: Command[Any]) -> Command[Any]:
        update, goto = command.update, command.goto
        if isinstance(update, dict):
            update = self._fields(update)
        elif update is not None:  # as LangGraph reads it: pairs, an object with fields, or the whole state
            update = [(key, self.through(value, spoken=key in _SPOKEN)) for key, value in command._update_as_tuples()]
        if isinstance(goto, Send):
            goto = self._sent(goto) or ()
        elif not isinstance(goto, str):
            each = [self._sent(to) if isinstance(to, Send) else to for to in goto]
            kept = [to for to in each if to is not None]
            goto = tuple(kept) if isinstance(goto, tuple) else kept
        return replace(command, update=update, goto=goto, resume=self.through(command.resume, spoken=True))

    def _sent(self, send: Send) -> Send | None:
        """`None` where it calls tools in a way that does not pass."""
        if calls := _calls(send.arg):
            arg = self._calling(send.arg, calls)
        else:
            arg = self.through(send.arg, spoken=True)
            if arg is send.arg and not isinstance(arg, str | dict | list | tuple | BaseMessage):
                arg = self._object(arg)
        return None if arg is None else Send(send.node, arg, timeout=send.timeout)

    def _calling(self, arg: Any, calls: Sequence[Any]) -> Any:
        asked = AIMessage("", tool_calls=list(calls))
        passed = self._judged(asked)
        made = passed.tool_calls if isinstance(passed, AIMessage) else []
        if len(made) < len(calls):
            return None
        if isinstance(arg, list):
            return arg if made == asked.tool_calls else made
        return {**arg, "tool_call": made[0], "state": self.through(arg.get("state"))}

    def _fields(self, value: dict[Any, Any], *, spoken: bool = False) -> dict[Any, Any]:
        made = {
            key: self.through(item, spoken=key in _SPOKEN or (spoken and key in _OVERWRITTEN))
            for key, item in value.items()
        }
        return value if all(made[key] is value[key] for key in value) else made

    def _object(self, state: Any) -> Any:
        """A state with fields, which LangGraph takes for the same as a mapping."""
        told = Command(update=state)._update_as_tuples()
        fields = {key: value for key, value in told if key != "__root__"}
        made = self._fields(fields)
        if made is fields:
            return state
        new = copy(state)
        for key, value in made.items():
            object.__setattr__(new, key, value)  # also where it is frozen
        return new


def _calls(arg: Any) -> Sequence[Any]:
    """Calls of tools, in the forms that LangGraph's `ToolNode` is sent them in."""
    if isinstance(arg, dict) and arg.get("__type") == "tool_call_with_context":
        return [arg["tool_call"]]
    listed = isinstance(arg, list) and arg and isinstance(arg[-1], dict) and arg[-1].get("type") == "tool_call"
    return arg if listed else ()


def _as_it_was(value: Sequence[Any], made: Sequence[Any]) -> Sequence[Any]:
    """The value itself where all in it is what it was."""
    same = len(made) == len(value) and all(new is old for new, old in zip(made, value, strict=True))
    return value if same else made


def _with_calls(given: Sequence[Any], made: Sequence[Any]) -> list[Any]:
    """What was made of those given, without results of calls that went with their message: servers refuse those."""
    before, after = (
        {call["id"] for item in map(as_message, items) if isinstance(item, AIMessage) for call in item.tool_calls}
        for items in (given, made)
    )
    return [item for item in made if not _answers(item, before - after)]


def _answers(item: Any, calls: set[Any]) -> bool:
    message = as_message(item) if calls else None
    return isinstance(message, ToolMessage) and message.tool_call_id in calls
