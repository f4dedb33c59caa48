"""What drafts and judges behind the door is heard by nobody who streams what is in front of it."""

from __future__ import annotations

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from critics import Message
from pipeline.drafting import DraftRequest
from pipeline.langchain_door import ChatGenerator


def drafting(_: str) -> str:
    """Somebody's own step of a chain, that asks a generator and keeps what it wrote to itself."""
    generator = ChatGenerator(FakeListChatModel(responses=["A draft."]), name="fake")
    request = DraftRequest((Message("user", "What?"),), seed=1)
    return str(len("".join(piece.text for piece in generator(request))))


async def test_a_draft_is_not_streamed_past_whoever_asked_for_it() -> None:
    """LangChain's events of the step tell its end only."""
    events = [event async for event in RunnableLambda(drafting).astream_events("What?", version="v2")]
    assert events[-1]["data"]["output"] == "8"
    assert "chat_model" not in "".join(event["event"] for event in events)


def test_a_handler_of_ones_own_sees_it() -> None:
    """It records."""
    heard: list[str] = []

    class Recorder(BaseCallbackHandler):
        def on_llm_end(self, response: object, **kwargs: object) -> None:
            heard.append(str(response))

    RunnableLambda(drafting).invoke("What?", config={"callbacks": [Recorder()]})
    assert len(heard) == 1
    assert "A draft." in heard[0]
