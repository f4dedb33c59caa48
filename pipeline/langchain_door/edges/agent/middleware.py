"""A middleware for `create_agent`: what the model says and calls has passed, and so has what it reads of its tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from langgraph.types import Command

from critics import Message, Usage
from pipeline.langchain_door.edges.agent.results import NOTICE, Results
from pipeline.langchain_door.edges.context import quiet_context
from pipeline.langchain_door.edges.redrafting import Began, Moderated, Spoken, held_back, mender, moderated
from pipeline.langchain_door.edges.spoken import readable, released, said, written_anew
from pipeline.langchain_door.edges.telling import answer_of, metadata, refuses, telling
from pipeline.langchain_door.edges.turns import as_messages, judged_conversation, tool_sources
from pipeline.langchain_door.messages import finish_of, to_langchain, usage_of
from pipeline.loop import Outcome
from pipeline.pipeline import Pipeline
from pipeline.rim import Back, in_thread

Result = ToolMessage | Command[Any]


class ModerationEdge(AgentMiddleware[Any, Any, Any]):
    """Round the model: a message that breaks the manifesto, by its text or by the arguments of a tool call, is asked
    for again with the advice, and in the end replaced by the refusal, which calls no tool. The rules for input judge
    the user's turn before, and what each tool gave: what breaks one is replaced by `notice`. A result that is returned
    directly is an answer, and held against the rules for output as well.

    The judging is inside the model's step of the agent's graph, and the model is called where nobody listens to its
    tokens: no way to stream an agent shows what the model said and has not passed. A tool's events show what it gave.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        on_withheld: Literal["refuse", "raise"] = "refuse",
        tell: bool = True,
        notice: str = NOTICE,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> None:
        super().__init__()
        self.pipeline = pipeline
        self._refuse = refuses(on_withheld)
        self._tell = tell
        self._results = Results(pipeline, notice)
        self._on_outcome = on_outcome

    @property
    def name(self) -> str:
        """With the manifesto's, because an agent takes no two of one name, and may be held to several manifestos."""
        return f"{type(self).__name__}[{self.pipeline.manifesto.name}]"

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        with quiet_context() as context:
            return context.run(self._moderated, request, handler)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        back = Back()

        def called(asked: ModelRequest[Any]) -> ModelResponse[Any]:
            return back.run(partial(handler, asked))

        try:
            with quiet_context() as context:
                work = partial(context.run, self._moderated, request, called, back.began)
                return await in_thread(work, cancel=back.cancel)
        finally:
            back.cancel()  # a call that the budget did not wait for

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]) -> Result:
        return self._passed(handler(request), request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        return await in_thread(partial(self._passed, await handler(request), request), cancel=None)

    def _passed(self, result: Result, request: ToolCallRequest) -> Result:
        with quiet_context() as context:
            return context.run(self._results.passed, result, _conversation(request), _asked_directly(request))

    def _moderated(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
        began: Began | None = None,
    ) -> ModelResponse[Any]:
        def called(turns: Sequence[Message]) -> ModelResponse[Any]:
            messages: list[Any] = [*request.messages, *to_langchain(turns)]
            return _in_form(handler(request.override(messages=messages) if turns else request))

        system = [request.system_message] if request.system_message else []
        said = convert_to_messages(request.messages)  # another middleware may have written some of them in short
        conversation = judged_conversation([*system, *said])
        result = moderated(
            self.pipeline,
            conversation,
            called,
            _spoken,
            name=_name_of(request),
            sources=tool_sources(said),
            began=began,
        )
        outcome = result.outcome
        if result.passed is not None and outcome.answer is not None:
            told = metadata(outcome, tell=self._tell)
            beside = _all_spoken(result.beside(result.passed))
            made = _made(result.passed, outcome.answer, mender(self.pipeline, conversation), told, beside)
            if made is not None:
                self._observe(outcome)
                return made
            outcome = held_back(outcome)
        self._observe(outcome)
        return self._refused(outcome, result)

    def _refused(self, outcome: Outcome, result: Moderated[ModelResponse[Any]]) -> ModelResponse[Any]:
        name = next((m.name for m in _spoken_messages(result.last)), None) if result.last else None
        refusal = AIMessage(answer_of(outcome, refuse=self._refuse), name=name)
        told = metadata(outcome, tell=self._tell)
        return ModelResponse(result=[telling(refusal, told, _all_spoken(result.all))])

    def _observe(self, outcome: Outcome) -> None:
        if self._on_outcome is not None:
            self._on_outcome(outcome)


def _made(
    response: ModelResponse[Any],
    passed: str,
    mend: Callable[[str], str],
    told: dict[str, Any],
    beside: Sequence[AIMessage],
) -> ModelResponse[Any] | None:
    """The response as what passed, or `None` where it cannot be made to say that."""
    spoken = _spoken_messages(response)
    if response.structured_response is None:
        messages = released(spoken, passed, mend)
    else:  # the object has the words that were judged, and no others
        messages = readable(spoken) if said(readable(spoken), in_form=True) == passed else None
    if messages is None:
        return None
    *before, last = messages
    new = {id(old): new for old, new in zip(spoken, [*before, telling(last, told, beside)], strict=True)}
    return replace(response, result=[new.get(id(message), message) for message in response.result])


def _in_form(response: ModelResponse[Any]) -> ModelResponse[Any]:
    """A structured answer, of which nobody finds more in its text than is judged."""
    if response.structured_response is None:
        return response
    new = [written_anew(message) if isinstance(message, AIMessage) else message for message in response.result]
    return replace(response, result=new)


def _spoken(response: ModelResponse[Any]) -> Spoken:
    messages = _spoken_messages(response)
    usage = sum((usage_of(message) or Usage() for message in messages), Usage())
    finish = finish_of(messages[-1]) if messages else None
    return Spoken(said(messages, in_form=response.structured_response is not None), usage, finish or "stop")


def _spoken_messages(response: ModelResponse[Any]) -> list[AIMessage]:
    return [message for message in response.result if isinstance(message, AIMessage)]


def _all_spoken(responses: Iterable[ModelResponse[Any]]) -> list[AIMessage]:
    return [message for response in responses for message in _spoken_messages(response)]


def _name_of(request: ModelRequest[Any]) -> str:
    # One that each call's config chooses tells nothing before.
    told: Mapping[str, Any] = getattr(request.model, "_get_ls_params", dict)()
    return str(told.get("ls_model_name") or request.model.get_name())


def _asked_directly(request: ToolCallRequest) -> tuple[Message, ...] | None:
    """The conversation that the tool's result will be the answer to, where no model reads it first."""
    if request.tool is None or not request.tool.return_direct:
        return None
    return judged_conversation(_conversation(request))


def _conversation(request: ToolCallRequest) -> list[BaseMessage]:
    """What the conversation has; of a graph that is no agent's, its state may be the messages, or have none."""
    state = request.state
    if not isinstance(state, list):
        state = state.get("messages", ()) if isinstance(state, dict) else getattr(state, "messages", ())
    return [found for item in state for found in as_messages([item], texts=True) or ()]
