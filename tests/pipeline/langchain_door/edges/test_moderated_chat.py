"""A chat model whose every answer has passed."""

from __future__ import annotations

import asyncio
import functools
import json
import operator
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.outputs import LLMResult
from langchain_core.tools import tool
from pydantic import BaseModel

from critics import Critic, Exchange, Finding, Message, Rule, Source, ToolCall
from pipeline import (
    BadInput,
    DraftRequest,
    ModelFault,
    ModelUnavailable,
    Piece,
    Pieces,
    Pipeline,
    ScriptedGenerator,
    Withheld,
)
from pipeline.langchain import ModeratedChat
from pipeline.langchain_door import load_chat_model
from tests.pipeline.endless import Endless

Make = Callable[..., Pipeline]

BAD = "We leverage synergy."
GOOD = "We work together."


def saying(*lines: str) -> GenericFakeChatModel:
    """Some vendor's chat model."""
    return GenericFakeChatModel(messages=iter(map(AIMessage, lines)))


class Heard(BaseCallbackHandler):
    """Every token and end that LangChain tells of."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.ends: list[str] = []
        self.starts: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.starts.append(kwargs)

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.ends.append(response.generations[0][0].text)


def test_an_answer_is_what_passed(make: Make) -> None:
    """The first draft breaks a rule and is sent back; the second is the answer, and says how it came about."""
    answer = ModeratedChat(pipeline=make([BAD, GOOD])).invoke("What do we do?", seed=7)
    assert answer.content == GOOD
    told = answer.response_metadata
    assert (told["model_name"], told["finish_reason"]) == ("superego/plain", "stop")
    assert (told["superego"]["outcome"], told["superego"]["attempts"], told["superego"]["seed"]) == ("released", 2, 7)
    assert told["superego"]["score"] == 1.0
    assert len(told["superego"]["manifesto"]["hash"]) == 64


def test_usage_counts_every_draft(make: Make) -> None:
    """What was thrown away was paid for as well."""
    pipeline = make([BAD, GOOD])
    usage = ModeratedChat(pipeline=pipeline).invoke("What do we do?").usage_metadata
    cost = pipeline.ask("What do we do?").cost.generator  # of one more draft, which is good
    assert usage is not None
    assert usage["output_tokens"] == 6
    assert usage["total_tokens"] == usage["input_tokens"] + 6
    assert usage["input_tokens"] > cost.prompt_tokens


def test_a_withheld_answer_is_the_refusal(make: Make) -> None:
    """With the word for it that clients know."""
    answer = ModeratedChat(pipeline=make([BAD])).invoke("What do we do?")
    assert answer.content == "No such words here."
    assert answer.response_metadata["finish_reason"] == "content_filter"
    assert answer.response_metadata["superego"]["outcome"] == "withheld"


@pytest.mark.parametrize(("top", "option"), [("", "raise"), ("on_exhausted: error\n", "refuse")])
def test_a_withheld_answer_raises_where_that_is_wanted(make: Make, top: str, option: str) -> None:
    """By the option, or by a manifesto that knows no refusal; streaming does as well."""
    chat = ModeratedChat(pipeline=make([BAD], top=top), on_withheld=option)
    with pytest.raises(Withheld) as caught:
        chat.invoke("What do we do?")
    assert caught.value.outcome.status == "withheld"
    with pytest.raises(Withheld):
        list(chat.stream("What do we do?"))


def test_what_comes_of_a_withheld_answer_may_be_said_by_call(make: Make) -> None:
    """Whatever holds else; a word for it that is none is refused."""
    chat = ModeratedChat(pipeline=make([BAD] * 9), on_withheld="raise")
    assert chat.invoke("What do we do?", on_withheld="refuse").text == "No such words here."
    with pytest.raises(BadInput, match="`on_withheld` is refuse or raise, not 'rise'"):
        chat.invoke("What do we do?", on_withheld="rise")


@pytest.mark.parametrize("fault", [ModelFault("broken"), ModelUnavailable("busy")])
def test_a_fault_raises(make: Make, fault: ModelFault) -> None:
    """It is no answer, and whether it is worth a retry is kept, so that `with_retry` can tell."""
    with pytest.raises(type(fault), match=str(fault)):
        ModeratedChat(pipeline=make([fault])).invoke("What do we do?")


def test_nothing_is_told_where_it_must_not_be(make: Make) -> None:
    """`tell=False` leaves only why the answer ended."""
    answer = ModeratedChat(pipeline=make([BAD]), tell=False).invoke("What do we do?")
    assert set(answer.response_metadata) == {"model_name", "model_provider", "finish_reason"}


def test_a_stream_shows_what_passed(make: Make) -> None:
    """No token of the failed draft, to the consumer or to callbacks; the last chunk tells the rest."""
    heard = Heard()
    chunks = list(ModeratedChat(pipeline=make([BAD, GOOD])).stream("What do we do?", config={"callbacks": [heard]}))
    assert "".join(chunk.text for chunk in chunks) == GOOD == "".join(heard.tokens)
    assert chunks[-1].chunk_position == "last"
    assert chunks[-1].usage_metadata is not None
    assert heard.ends == [GOOD]


def test_a_withheld_stream_is_the_refusal(make: Make) -> None:
    """In one chunk, that is also the last."""
    (chunk,) = ModeratedChat(pipeline=make([BAD])).stream("What do we do?")
    assert isinstance(chunk, AIMessageChunk)
    assert (chunk.text, chunk.response_metadata["finish_reason"]) == ("No such words here.", "content_filter")


BY_SENTENCE = {"top": "stream: sentence\n", "can_continue": True}


def test_sentences_are_streamed_as_they_pass(make: Make) -> None:
    """One that fails is not shown: the answer goes on from what was."""
    chat = ModeratedChat(pipeline=make(["We work. We leverage synergy. Yes.", "We help. Yes."], **BY_SENTENCE))
    chunks = list(chat.stream("What do we do?"))
    assert "".join(chunk.text for chunk in chunks) == "We work. We help. Yes."
    assert chunks[0].text == "We work."
    assert chunks[-1].response_metadata["finish_reason"] == "stop"


def test_a_stream_that_is_withheld_in_the_middle_just_ends(make: Make) -> None:
    """With the word for it; the refusal would read as if the answer went on with it. Asked as a whole, it is held."""
    drafts = ["We work. We leverage synergy. Yes.", "We leverage it still. Yes."]
    chunks = list(ModeratedChat(pipeline=make(drafts, **BY_SENTENCE)).stream("What do we do?"))
    assert "".join(chunk.text for chunk in chunks) == "We work."
    assert chunks[-1].response_metadata["finish_reason"] == "content_filter"
    with pytest.raises(Withheld):
        list(ModeratedChat(pipeline=make(drafts, **BY_SENTENCE), on_withheld="raise").stream("What do we do?"))
    assert ModeratedChat(pipeline=make(drafts, **BY_SENTENCE)).invoke("What?").text == "No such words here."


async def test_async_gives_the_same(make: Make) -> None:
    """`ainvoke`, `astream` and `abatch`."""
    chat = ModeratedChat(pipeline=make([BAD, GOOD]))
    assert (await chat.ainvoke("What do we do?")).content == GOOD
    assert "".join([chunk.text async for chunk in chat.astream("What do we do?")]) == GOOD
    assert [a.content for a in await chat.abatch(["What?", "How?"])] == [GOOD, GOOD]


async def test_cancelling_stops_the_work(make: Make) -> None:
    """Whoever waits is cancelled, and the generator is closed before the cancellation is through."""
    endless = Endless()
    pipeline = make()
    chat = ModeratedChat(pipeline=Pipeline(pipeline.manifesto, pipeline.critic, endless))
    waiting = asyncio.create_task(chat.ainvoke("What do we do?"))
    await asyncio.to_thread(endless.begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert endless.closed.is_set()


async def test_leaving_an_async_stream_stops_the_work(make: Make) -> None:
    """A task that reads the stream is cancelled in the middle."""
    endless = Endless()
    pipeline = make()
    chat = ModeratedChat(pipeline=Pipeline(pipeline.manifesto, pipeline.critic, endless))

    async def read() -> None:
        async for _ in chat.astream("What do we do?"):
            pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(endless.begun.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert endless.closed.is_set()


def test_a_call_ends_in_time(make: Make) -> None:
    """`timeout` is for the whole call, and stops the work."""
    endless = Endless()
    pipeline = make()
    chat = ModeratedChat(pipeline=Pipeline(pipeline.manifesto, pipeline.critic, endless), timeout=0.05)
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        chat.invoke("What do we do?")
    assert endless.closed.wait(10)  # it may have had no turn on a busy machine


@pytest.mark.parametrize("silent", ["generator", "critic"])
@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke", "astream"])
def test_a_call_ends_in_time_whatever_it_waits_for(make: Make, silent: str, how: str) -> None:
    """Whether it is a draft that does not come or a verdict, and the manifesto would have waited."""
    done = threading.Event()

    class Silent:
        name = "silent"
        can_continue = False

        def __call__(self, request: DraftRequest) -> Pieces:
            yield Piece("We")
            done.wait(20)

    def never(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        done.wait(20)
        return []

    given = make([GOOD])
    patient = replace(given, generator=Silent()) if silent == "generator" else replace(given, critic=never)
    chat = ModeratedChat(pipeline=patient, timeout=0.1)

    async def read() -> None:
        async for _ in chat.astream("What?"):
            pass

    calls: dict[str, Callable[[], object]] = {
        "invoke": lambda: chat.invoke("What?"),
        "stream": lambda: list(chat.stream("What?")),
        "ainvoke": lambda: asyncio.run(chat.ainvoke("What?")),
        "astream": lambda: asyncio.run(read()),
    }
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        calls[how]()
    assert 0.1 <= time.monotonic() - began < 10
    done.set()


def test_options_reach_the_drafts(make: Make) -> None:
    """Those of the call before those of the model."""
    pipeline = make([GOOD])
    chat = ModeratedChat(pipeline=pipeline, temperature=0.1, max_tokens=5, stop=["END"])
    chat.invoke("What?", max_tokens=9, top_p=0.5)
    options = pipeline.generator.requests[0].options  # type: ignore[union-attr]  # the scripted one
    assert (options.temperature, options.top_p, options.max_tokens, options.stop) == (0.1, 0.5, 9, ("END",))
    chat.invoke("What?", stop=["HALT"])
    assert pipeline.generator.requests[1].options.stop == ("HALT",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        ({"max_tokens": 9, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 7, "max_completion_tokens": 9}, 7),
        ({"max_completion_tokens": 9}, 9),
        ({"max_completion_tokens": None}, 5),
    ],
)
def test_of_both_bounds_of_a_call_the_smaller_one_counts(make: Make, asked: dict[str, int | None], most: int) -> None:
    """By whichever name it is given, it takes the place of the model's own."""
    pipeline = make([GOOD])
    ModeratedChat(pipeline=pipeline, max_tokens=5).invoke("What?", **asked)  # type: ignore[arg-type]  # not typed
    assert pipeline.generator.requests[0].options.max_tokens == most  # type: ignore[union-attr]  # the scripted one


def test_drafts_are_drawn_from_something(make: Make) -> None:
    """A `top_p` of 0 is the least that there is."""
    pipeline = make([GOOD])
    ModeratedChat(pipeline=pipeline).invoke("What?", top_p=0)
    assert pipeline.generator.requests[0].options.top_p == 1e-4  # type: ignore[union-attr]  # the scripted one


def test_what_cannot_be_done_is_refused(make: Make) -> None:
    """What is no tool, images and unknown options are not passed over in silence."""
    chat = ModeratedChat(pipeline=make([GOOD]))
    image = HumanMessage([{"type": "image", "url": "x"}, {"type": "text", "text": "What is this?"}])
    with pytest.raises(BadInput, match="tools"):
        chat.invoke("What?", tools=[{}])
    with pytest.raises(BadInput, match="tool_choice is 'leap'"):
        chat.bind_tools([look], tool_choice="leap").invoke("What?")
    with pytest.raises(BadInput, match="logprobs"):
        chat.invoke("What?", logprobs=True)
    with pytest.raises(BadInput, match="`stop` must not be empty"):
        chat.invoke("What?", stop=["END", ""])
    with pytest.raises(BadInput, match="image"):
        chat.invoke([image])
    with pytest.raises(BadInput, match="'function'"):
        chat.invoke([HumanMessage("What?"), FunctionMessage(content="4", name="look")])
    with pytest.raises(ValueError, match="manifeto"):
        ModeratedChat(manifeto="house-style")  # type: ignore[call-arg]


@tool
def look(at: str) -> str:
    """Looks at it."""
    return f"{at} is there"


class Letter(BaseModel):
    """A letter."""

    text: str


def calling(name: str, **arguments: str) -> Message:
    return Message("assistant", "", (ToolCall(name, json.dumps(arguments), "theirs"),))


def test_tools_are_called_once_the_call_has_passed(make: Make) -> None:
    """Those of whatever drafts; the conversation goes on with what they gave. Streamed they come whole."""
    pipeline = make([calling("look", at="synergy"), calling("look", at="rain")])
    chat = ModeratedChat(pipeline=pipeline).bind_tools([look], tool_choice="any")
    answer = chat.invoke("What is outside?")
    assert isinstance(answer, AIMessage)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("look", {"at": "rain"})]
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    gave = look.invoke(answer.tool_calls[0])
    whole = functools.reduce(operator.add, chat.stream([HumanMessage("What is outside?"), answer, gave]))
    assert [call["args"] for call in whole.tool_calls] == [{"at": "rain"}]
    first, *_, last = pipeline.generator.requests  # type: ignore[union-attr]  # the scripted one
    assert first.options.tools is not None
    assert (first.options.tools.choice, first.options.tools.offered[0].name) == ("required", "look")
    assert [turn.role for turn in last.messages] == ["user", "assistant", "tool"]
    assert last.messages[1].calls[0].arguments == '{"at": "rain"}'


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "any"}, ("required", "")),
        ({"type": "none"}, ("none", "")),
        ({"type": "auto"}, ("auto", "")),
        ({"type": "tool", "name": "look"}, ("auto", "look")),
        ({"type": "function", "function": {"name": "look"}}, ("auto", "look")),
    ],
)
def test_a_choice_of_tools_is_read_in_each_vendors_form(make: Make, choice: Any, meant: tuple[str, str]) -> None:
    """Anthropic's says by its type that a tool must be called, or that none may."""
    pipeline = make([GOOD])
    ModeratedChat(pipeline=pipeline).bind_tools([look], tool_choice=choice).invoke("What?")
    tools = pipeline.generator.requests[0].options.tools  # type: ignore[union-attr]  # the scripted one
    assert (tools.choice, tools.named) == meant
    for odd, told in (({"type": "allowed_tools"}, "'allowed_tools'"), ({"any": {}}, "{'any': {}}")):
        with pytest.raises(BadInput, match=f"tool_choice is {told}"):
            ModeratedChat(pipeline=pipeline).bind_tools([look], tool_choice=odd).invoke("What?")


def test_a_call_that_does_not_pass_is_not_made(make: Make) -> None:
    """The refusal calls nothing."""
    chat = ModeratedChat(pipeline=make([calling("look", at="synergy")])).bind_tools([look])
    for answer in (chat.invoke("What?"), functools.reduce(operator.add, chat.stream("What?"))):
        assert (answer.content, answer.tool_calls) == ("No such words here.", [])


def test_a_structured_answer_is_a_call(make: Make) -> None:
    """LangChain's own way to one, over `bind_tools`."""
    drafts = [calling("Letter", text="synergy"), calling("Letter", text="Dear Ana")]
    chat = ModeratedChat(pipeline=make(drafts)).with_structured_output(Letter)
    assert chat.invoke("Write.") == Letter(text="Dear Ana")


def test_of_a_withheld_answer_there_is_no_object(make: Make) -> None:
    """It raises, and `None` would fail later; with the message beside it that has the refusal."""
    chat = ModeratedChat(pipeline=make([calling("Letter", text="synergy")] * 9))
    with pytest.raises(Withheld):
        chat.with_structured_output(Letter).invoke("Write.")
    with pytest.raises(Withheld):
        list(chat.with_structured_output(Letter).stream("Write."))
    both: Any = chat.with_structured_output(Letter, include_raw=True).invoke("Write.")
    assert (both["raw"].text, both["parsed"]) == ("No such words here.", None)


def test_a_model_of_langchains_calls_its_tools(make: Make) -> None:
    """Behind `model=`; one that streams nothing of a call is asked for the whole."""

    class Looking(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=tools, **kwargs)

    called = {"name": "look", "args": {"at": "rain"}, "id": "1", "type": "tool_call"}
    model = Looking(messages=iter([AIMessage("", tool_calls=[called])] * 2))
    answer = ModeratedChat(pipeline=make(), model=model).bind_tools([look]).invoke("What?")
    assert [call["args"] for call in answer.tool_calls] == [{"at": "rain"}]


def test_the_whole_conversation_is_asked(make: Make) -> None:
    """All roles, in order."""
    pipeline = make([GOOD])
    turns = [SystemMessage("Be brief."), HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("What?")]
    ModeratedChat(pipeline=pipeline).invoke(turns)
    asked = pipeline.generator.requests[0].messages  # type: ignore[union-attr]
    assert [(m.role, m.content) for m in asked] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "What?"),
    ]


def test_documents_are_sources_with_their_provenance(make: Make) -> None:
    """Their metadata say where they are from."""
    pipeline = make([GOOD])
    page = Document("Water boils.", metadata={"source": "a.org", "published": "2020", "kind": "textbook"})
    ModeratedChat(pipeline=pipeline).invoke("What?", context=[page, "And so on."])
    shown = pipeline.generator.requests[0].messages[0].content  # type: ignore[union-attr]
    assert all(word in shown for word in ("Water boils.", "a.org", "2020", "textbook", "And so on."))


def test_any_chat_model_may_draft() -> None:
    """`model` drafts, the manifesto's critics judge."""
    model = saying("Certainly! Here it is.", "Here it is.")
    with ModeratedChat(manifesto="house-style", model=model) as chat:
        answer = chat.invoke("Where is it?")
    assert answer.content == "Here it is."
    assert answer.response_metadata["superego"]["attempts"] == 2


@pytest.mark.parametrize("context", ["Water boils.", Document("Water boils."), Source("Water boils.")])
def test_one_source_by_itself_is_one(make: Make, context: Any) -> None:
    """A text would be one a letter, as chains have it that join their documents; and what is none is said so."""
    pipeline = make([GOOD])
    ModeratedChat(pipeline=pipeline).invoke("What?", context=context)
    assert "\nWater boils.\n" in pipeline.generator.requests[0].messages[-1].content  # type: ignore[union-attr]  # ours
    with pytest.raises(BadInput, match="a dict cannot be a source"):
        ModeratedChat(pipeline=pipeline).invoke("What?", context={"page_content": "Water boils."})


@pytest.mark.parametrize("dressed", ["with_retry", "bind"])
def test_what_drafts_is_a_chat_model_itself(make: Make, dressed: str) -> None:
    """One that is dressed in something takes no temperature and no seed: that is said at once."""
    model: Any = getattr(saying(GOOD), dressed)()
    with pytest.raises(ValueError, match=f"`model` is a chat model itself, not a {type(model).__name__}"):
        ModeratedChat(pipeline=make(), model=model, temperature=0.2)


def test_a_manifesto_may_be_a_path_as_everywhere(make: Make, tmp_path: Path) -> None:
    """A text or a `Path`."""
    make()
    for given in (tmp_path / "plain.yaml", str(tmp_path / "plain.yaml")):
        with ModeratedChat(manifesto=given, model=saying(GOOD)) as chat:
            assert chat.invoke("What?").response_metadata["superego"]["manifesto"]["name"] == "plain"


async def test_no_way_of_streaming_shows_the_drafts_of_a_model() -> None:
    """LangChain hands a streaming consumer the tokens of every model below; a draft is none of its business."""
    model = saying("Certainly! Here it is.", "Here it is.")
    chat = ModeratedChat(manifesto="house-style", model=model)
    chain = chat | (lambda message: message)
    events = [event async for event in chain.astream_events("Where is it?", version="v2")]
    assert "Certainly" not in str([event["data"] for event in events])
    assert "Here it is." in str(events[-1])


def test_a_cache_keeps_manifestos_apart(make: Make) -> None:
    """What LangChain's cache goes by has the manifesto's hash in it, and all that an answer depends on."""
    one, other = (ModeratedChat(pipeline=make([GOOD], top=top)) for top in ("", "description: Another.\n"))
    assert one._get_llm_string() != other._get_llm_string()
    assert one._get_llm_string() == ModeratedChat(pipeline=one.ready)._get_llm_string()
    assert one._get_llm_string() != ModeratedChat(pipeline=one.ready, stop=["three"])._get_llm_string()


def test_a_cache_keeps_critics_apart(make: Make, cache: InMemoryCache) -> None:
    """What a weak judge let through is not given by a model with a better one, whatever else they have in common."""
    given = make(["We are fine."])
    weak = replace(given, critic=lambda _, rules: [Finding(rule.id, "weak", 0.0) for rule in rules])
    better = replace(given, critic=lambda _, rules: [Finding(rule.id, "better", 0.99) for rule in rules])
    assert ModeratedChat(pipeline=weak).invoke("What?").content == "We are fine."
    assert ModeratedChat(pipeline=better).invoke("What?").content == given.manifesto.refusal


def test_a_cache_tells_what_may_be_told(make: Make, cache: InMemoryCache) -> None:
    """A model that tells nothing is not given the answer of one that does, with all that it tells."""
    pipeline = make([GOOD])
    assert "superego" in ModeratedChat(pipeline=pipeline).invoke("What?").response_metadata
    assert "superego" not in ModeratedChat(pipeline=pipeline, tell=False).invoke("What?").response_metadata


def test_a_cache_keeps_what_drafts_apart(make: Make) -> None:
    """The same model by name with another setting is another one; lent to one pipeline twice it is one."""
    pipeline = make([GOOD])
    models = [load_chat_model("openai:q", base_url="http://127.0.0.1:9/v1", api_key=None, temperature=heat, top_p=None,
                              timeout=1, context=0) for heat in (0.0, 0.0, 1.0)]  # fmt: skip
    cold, as_cold, warm = (ModeratedChat(pipeline=pipeline, model=model)._get_llm_string() for model in models)
    assert cold == as_cold != warm


class Judge:
    """A critic that is down until it is mended."""

    def __init__(self, critic: Critic) -> None:
        self.critic = critic
        self.down = True

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        if self.down:
            raise ModelUnavailable("the judge is down")
        return self.critic(exchange, rules)


class Half:
    """A critic that passes drafts, and cannot judge what is asked, while another one is down."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> Sequence[Finding]:
        if self.judge.down and exchange.draft is not None:
            return [Finding(rule.id, "half", 0.0) for rule in rules]
        return self.judge(exchange, rules)


@pytest.fixture
def cache() -> Iterator[InMemoryCache]:
    """LangChain's cache for all models."""
    cache = InMemoryCache()
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("streaming", [False, True])
async def test_a_cache_keeps_no_refusal_of_the_moment(
    make: Make, cache: InMemoryCache, own: bool, streaming: bool
) -> None:
    """When the judge is up again, it is asked; what passed then is kept, whatever comes after."""
    given = make([GOOD])
    judge = Judge(given.critic)
    kept = {"cache": InMemoryCache()} if own else {}
    chat = ModeratedChat(pipeline=replace(given, critic=judge), streaming=streaming, tell=False, **kept)
    refusal = given.manifesto.refusal
    assert [chat.invoke("What?").content, (await chat.ainvoke("What?")).content] == [refusal, refusal]
    judge.down = False
    assert [chat.invoke("What?").content, (await chat.ainvoke("How?")).content] == [GOOD, GOOD]
    judge.down = True
    assert [chat.invoke("What?").content, (await chat.ainvoke("How?")).content] == [GOOD, GOOD]
    assert bool(cache._cache) is not own


@pytest.mark.parametrize("where", ["on_undecided: release\n", "input"])
def test_a_cache_keeps_nothing_that_was_let_through_unjudged(
    make: Make, cache: InMemoryCache, guarded: str, where: str
) -> None:
    """Neither an answer nor what it answers, where the manifesto releases what could not be judged."""
    rule = guarded.replace("action: veto", "action: flag")
    given = make([BAD], rule) if where == "input" else make([BAD], top=where)
    judge = Judge(lambda exchange, rules: [Finding(r.id, "c", 0.9 if exchange.draft else 0.0) for r in rules])
    half = Half(judge) if where == "input" else judge
    chat = ModeratedChat(pipeline=replace(given, critic=half))
    first = chat.invoke("What?").response_metadata["superego"]
    judge.down = False
    second = chat.invoke("What?").response_metadata["superego"]
    assert (first["outcome"], second["outcome"]) == ("released", "withheld")


def test_a_cache_keeps_a_refusal_that_was_decided(make: Make, cache: InMemoryCache) -> None:
    """No draft passed, and none is written for the same question again."""
    pipeline = make([BAD])
    chat = ModeratedChat(pipeline=pipeline)
    first = chat.invoke("What?").content
    generator = pipeline.generator
    assert isinstance(generator, ScriptedGenerator)
    drafts = len(generator.requests)
    assert chat.invoke("What?").content == first == pipeline.manifesto.refusal
    assert len(generator.requests) == drafts > 0


def test_a_cached_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch, make: Make, cache: InMemoryCache) -> None:
    """And not at every call anew."""
    loads: list[Pipeline] = []

    def load(*_: object, **__: object) -> Pipeline:
        loads.append(make([GOOD]))
        return loads[-1]

    monkeypatch.setattr("pipeline.langchain.load", load)
    chat = ModeratedChat(manifesto="house-style")
    for question in ("What?", "How?"):
        result = chat._generate_with_cache([HumanMessage(question)])
        assert result.generations[0].message.content == GOOD
    assert len(loads) == 1


def test_a_run_is_named_and_described(make: Make) -> None:
    """As LangSmith expects it."""
    heard = Heard()
    ModeratedChat(pipeline=make([GOOD]), temperature=0.2).invoke("What?", config={"callbacks": [heard]}, stop=["END"])
    told = heard.starts[0]["metadata"]
    assert (told["ls_provider"], told["ls_model_name"], told["ls_model_type"]) == ("superego", "superego/plain", "chat")
    assert (told["ls_temperature"], told["ls_stop"]) == (0.2, ["END"])
    assert ModeratedChat(pipeline=make([GOOD])).get_name() == "ModeratedChat"


def test_a_pipeline_stays_its_owners(make: Make) -> None:
    """Closing frees what was loaded here, and nothing that was handed in."""
    freed: list[str] = []
    pipeline = make([GOOD])
    theirs = Pipeline(pipeline.manifesto, pipeline.critic, pipeline.generator, free=lambda: freed.append("theirs"))
    with ModeratedChat(pipeline=theirs) as chat:
        chat.invoke("What?")
    assert freed == []


def test_a_model_may_draft_for_a_ready_pipeline(make: Make) -> None:
    """In place of its own generator; a manifesto beside a pipeline would be one too many."""
    pipeline = make(["Never asked."])
    chat = ModeratedChat(pipeline=pipeline, model=saying(BAD, GOOD))
    assert chat.invoke("What do we do?").content == GOOD
    with pytest.raises(ValueError, match="a pipeline has a manifesto"):
        ModeratedChat(pipeline=pipeline, manifesto="house-style")


def test_the_package_alone_loads_no_langchain() -> None:
    """Who only asks a pipeline does not wait for it."""
    code = "import sys, pipeline; print([name for name in sys.modules if name.startswith('lang')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_a_real_server_drafts(upstream: str, make: Make) -> None:
    """Somebody's chat model over HTTP, and what it drafts in parts that passed."""
    model = load_chat_model(
        "openai:small", base_url=upstream, api_key=None, temperature=0.7, top_p=None, timeout=60.0, context=2048
    )
    chat = ModeratedChat(pipeline=make(), model=model, max_tokens=16)
    chunks = list(chat.stream("Name three animals that live in the sea.", seed=1))
    assert sum(bool(chunk.text.strip()) for chunk in chunks) >= 1
    assert chunks[-1].response_metadata["superego"]["generator"] == "small"
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata["output_tokens"] >= 16
