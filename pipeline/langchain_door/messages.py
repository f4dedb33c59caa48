"""Between our messages and LangChain's: roles, text, usage, and why an answer ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from critics import Message, Usage
from pipeline.generator import Finish

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

# Why an answer ended, in the words of OpenAI, llama.cpp, Anthropic, Google, Ollama and Mistral.
_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
}


def to_langchain(messages: Sequence[Message]) -> list[BaseMessage]:
    """System, human and AI messages for our three roles."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    made: dict[str, type[SystemMessage] | type[HumanMessage] | type[AIMessage]]
    made = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [made[message.role](message.content) for message in messages]


def text_of(message: AIMessage) -> str:
    """The text of a message or of a piece of one; images, tool calls and reasoning are left out."""
    return str(message.text)


def finish_of(message: AIMessage) -> Finish | None:
    """Why the answer ended, where the message says so in words that we know."""
    said = message.response_metadata
    reason = said.get("finish_reason") or said.get("stop_reason") or said.get("done_reason")
    return _FINISHES.get(reason.casefold()) if isinstance(reason, str) else None


def usage_of(message: AIMessage) -> Usage | None:
    """The tokens that the server counted, or `None`."""
    if message.usage_metadata is not None:
        return Usage(message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])
    counted: Any = message.response_metadata.get("token_usage")  # as ChatLlamaCpp gives it
    if not isinstance(counted, dict) or "prompt_tokens" not in counted:
        return None
    return Usage(int(counted["prompt_tokens"]), int(counted.get("completion_tokens") or 0))
