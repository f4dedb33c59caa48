"""Chat models of families that the door knows nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from critics import Message, NoLogProbabilities, Usage
from pipeline.drafting import DraftOptions, DraftRequest
from pipeline.errors import ModelFault
from pipeline.langchain_door import ChatGenerator, ChatJudgeModel

ASKED = (Message("user", "What lives in the sea?"),)


class Blocks(BaseChatModel):
    """Answers in blocks of content with how it was set, and takes no argument that it does not know."""

    max_output_tokens: int = 99
    temperature: float = 0.7
    ended: dict[str, str] = Field(default={"stop_reason": "max_tokens"})

    @property
    def _llm_type(self) -> str:
        return "blocks"

    def _said(self) -> str:
        return f"at most {self.max_output_tokens} at {self.temperature}"

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None) -> ChatResult:  # type: ignore[override]  # stricter on purpose
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=self._said()))])

    def _stream(  # type: ignore[override]  # stricter on purpose
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None
    ) -> Iterator[ChatGenerationChunk]:
        thought = {"type": "reasoning", "reasoning": "whales?", "index": 0}
        said = {"type": "text", "text": self._said(), "index": 1}
        read = {"input_tokens": 6, "output_tokens": 0, "total_tokens": 6}
        wrote = {"input_tokens": 0, "output_tokens": 4, "total_tokens": 4}
        yield ChatGenerationChunk(message=AIMessageChunk(content=[thought], usage_metadata=read))
        yield ChatGenerationChunk(message=AIMessageChunk(content=[said], usage_metadata=wrote))
        yield ChatGenerationChunk(message=AIMessageChunk(content=[], response_metadata=self.ended))


def test_a_draft_is_the_text_among_the_blocks() -> None:
    """Reasoning is no part of the draft, usage told in parts is added up, and Anthropic's word for a cut is known."""
    pieces = list(ChatGenerator(Blocks(), name="blocks")(DraftRequest(ASKED, seed=1)))
    assert "".join(piece.text for piece in pieces) == "at most 99 at 0.7"
    assert sum((piece.usage for piece in pieces), Usage()) == Usage(6, 4)
    assert pieces[-1].finish == "length"


@pytest.mark.parametrize(
    "ended",
    [
        {"finish_reason": "SAFETY"},
        {"finish_reason": "RECITATION"},
        {"finish_reason": "OTHER"},
        {"stopReason": "guardrail_intervened"},
        {"finish_reason": "MALFORMED_FUNCTION_CALL"},
        {"stop_reason": "refusal"},
        {"finish_reason": "content_filter"},
    ],
)
def test_half_an_answer_is_none_of_any_family(ended: dict[str, str]) -> None:
    """Where it says that it was stopped on the other side, in its vendor's word."""
    with pytest.raises(ModelFault, match=r"did not finish its answer: [a-z_]+$"):
        list(ChatGenerator(Blocks(ended=ended), name="blocks")(DraftRequest(ASKED, seed=1)))


class Elsewhere(Blocks):
    """Has its address in a field of its own, and repeats what is secret in that."""

    endpoint: str = "https://bob:hunter2@there/v1"
    error: type[Exception] = ValueError

    def _stream(  # type: ignore[override]  # stricter on purpose
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None
    ) -> Iterator[ChatGenerationChunk]:
        raise self.error("no hunter2 there")


@pytest.mark.parametrize("error", [ValueError, ConnectionError])
def test_nothing_that_is_secret_in_any_address_is_repeated(error: type[Exception]) -> None:
    """Whatever the field is called, and whether the server has answered or was not reached."""
    drafts = ChatGenerator(Elsewhere(error=error), name="elsewhere", tries=1)
    with pytest.raises(ModelFault, match=r"no \*\*\* there"):
        list(drafts(DraftRequest(ASKED, seed=1)))


class Halved(Blocks):
    """Says half a character, and neither why it ended nor what that cost."""

    def _stream(  # type: ignore[override]  # stricter on purpose
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None
    ) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="a\ud83d"))


def test_half_a_character_at_the_end_is_not_lost() -> None:
    """Though there is nothing else to be said there."""
    pieces = list(ChatGenerator(Halved(), name="halved")(DraftRequest(ASKED, seed=1)))
    assert "".join(piece.text for piece in pieces) == "a\ufffd"


def test_what_a_model_declares_is_set_for_one_call_only() -> None:
    """The bound is set under the model's own name, the seed it does not have is left out, and the model stays as is."""
    model = Blocks()
    pieces = ChatGenerator(model, name="blocks")(DraftRequest(ASKED, seed=1, max_tokens=5))
    assert "".join(piece.text for piece in pieces) == "at most 5 at 0.7"
    assert model.max_output_tokens == 99


def test_the_options_of_a_call_are_set_as_far_as_a_model_has_them() -> None:
    """This one has a temperature and no top_p; and a stop string is kept to, though it took no notice of it."""
    options = DraftOptions(temperature=0.25, top_p=0.5, stop=(" at 0",))
    pieces = list(ChatGenerator(Blocks(), name="blocks")(DraftRequest(ASKED, seed=1, options=options)))
    assert ("".join(piece.text for piece in pieces), pieces[-1].finish) == ("at most 99", "stop")
    options = DraftOptions(temperature=0.25, top_p=0.5, max_tokens=7)
    pieces = list(ChatGenerator(Blocks(), name="blocks")(DraftRequest(ASKED, seed=1, options=options)))
    assert "".join(piece.text for piece in pieces) == "at most 7 at 0.25"


def test_a_verdict_is_written_greedily() -> None:
    """A judge's answer is asked for at temperature nought; a schema is left to the prompt."""
    written = ChatJudgeModel(Blocks(), name="blocks").write(ASKED, max_tokens=7, schema={"type": "string"})
    assert written.text == "at most 7 at 0.0"


def test_there_are_no_log_probabilities_to_read() -> None:
    """A family that is not known to give log probabilities is not asked for them."""
    with pytest.raises(NoLogProbabilities, match="blocks"):
        ChatJudgeModel(Blocks(), name="blocks").choose([ASKED], ["yes", "no"])
