"""Between our messages and LangChain's: roles, text, usage, and why an answer ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from critics import Message, Usage
from pipeline.drafting import Finish
from pipeline.langchain_door.calls import from_calls

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

# Why an answer ended, in the words of OpenAI (of both its APIs), llama.cpp, Anthropic, Google, Ollama and Mistral.
_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "tool_calls": "stop",
    "tool_use": "stop",
    "function_call": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "completed": "stop",
    "max_output_tokens": "length",
}


def to_langchain(messages: Sequence[Message]) -> list[BaseMessage]:
    """System, human, AI and tool messages for our four roles."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    def made(message: Message) -> BaseMessage:
        match message.role:
            case "system":
                return SystemMessage(message.content)
            case "user":
                return HumanMessage(message.content)
            case "assistant":
                return AIMessage(message.content, **(from_calls(message.calls) if message.calls else {}))
            case "tool":
                return ToolMessage(message.content, tool_call_id=message.answers)

    return [made(message) for message in messages]


def text_of(message: AIMessage) -> str:
    """The text of a message or of a piece of one; images, tool calls and reasoning are left out."""
    return str(message.text)


def finish_of(message: AIMessage) -> Finish | None:
    """Why the answer ended, where the message says so in words that we know."""
    return _FINISHES.get(reason_of(message))


def reason_of(message: AIMessage) -> str:
    """The same in the vendor's word, in small letters; empty where it says nothing."""
    said = message.response_metadata
    why = said.get("incomplete_details")  # the Responses API's, which else says no more than its status
    told = [said.get(key) for key in ("finish_reason", "stop_reason", "stopReason", "done_reason")]
    told += [why.get("reason") if isinstance(why, dict) else None, said.get("status")]
    reason = next(filter(None, told), "")
    return reason.casefold() if isinstance(reason, str) else ""


def usage_of(message: AIMessage) -> Usage | None:
    """The tokens that the server counted, or `None`."""
    if message.usage_metadata is not None:
        return Usage(message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])
    counted: Any = message.response_metadata.get("token_usage")  # as ChatLlamaCpp gives it
    if not isinstance(counted, dict) or "prompt_tokens" not in counted:
        return None
    return Usage(int(counted["prompt_tokens"]), int(counted.get("completion_tokens") or 0))
