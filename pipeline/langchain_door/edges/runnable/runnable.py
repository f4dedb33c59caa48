"""Any Runnable, with its output judged, and asked again where its input has a place for advice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import RunnableLike, coerce_to_runnable
from langchain_core.runnables.config import patch_config

from critics import Message
from pipeline.langchain_door.edges.context import quiet_context
from pipeline.langchain_door.edges.redrafting import Began, Moderated, held_back, mender, moderated
from pipeline.langchain_door.edges.runnable.answered import Answered
from pipeline.langchain_door.edges.runnable.asked import Asked, gives_messages
from pipeline.langchain_door.edges.telling import answer_of, metadata, refuses
from pipeline.langchain_door.quiet import quiet
from pipeline.loop import Outcome
from pipeline.pipeline import Pipeline
from pipeline.rim import Back, in_thread

AnyRunnable = RunnableLike[Any, Any]
"""Or a function, as in LangChain's own chains."""
OnOutcome = Callable[[Outcome], None]


class ModeratedRunnable(Runnable[Any, Any]):
    """Gives what `runnable` gives, once that has passed; else the manifesto's refusal in its place.

    It is called with its own input, and again with the advice added: to a chat model, a list of messages, a prompt
    value or a mapping's `messages` as turns, to a text as a paragraph. Another input has no place for it, and there is
    one attempt. Judged are a text, a message, or in a mapping what lies under `output_key`; documents under `context`
    are the sources. Streaming holds: there is one piece, the whole.
    """

    def __init__(
        self,
        runnable: AnyRunnable,
        pipeline: Pipeline,
        *,
        input_key: str | None = None,
        output_key: str | None = None,
        on_withheld: Literal["refuse", "raise"] = "refuse",
        tell: bool = True,
        on_outcome: OnOutcome | None = None,
    ) -> None:
        self.runnable: Runnable[Any, Any] = coerce_to_runnable(runnable)
        self.pipeline = pipeline
        self.name = f"moderated:{self.runnable.get_name()}"
        self._input_key = input_key
        self._output_key = output_key
        self._refuse = refuses(on_withheld)
        self._tell = tell
        self._on_outcome = on_outcome

    @property
    def InputType(self) -> Any:
        return self.runnable.InputType

    @property
    def OutputType(self) -> Any:
        return self.runnable.OutputType

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self._call_with_config(self._run, input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await self._acall_with_config(self._arun, input, config, **kwargs)

    def _run(self, given: Any, run_manager: CallbackManagerForChainRun, config: RunnableConfig, **kwargs: Any) -> Any:
        inner = quiet(patch_config(config, callbacks=run_manager.get_child()))
        with quiet_context() as context:
            return context.run(self._moderated, given, lambda asked: self.runnable.invoke(asked, inner, **kwargs))

    async def _arun(
        self, given: Any, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig, **kwargs: Any
    ) -> Any:
        inner = quiet(patch_config(config, callbacks=run_manager.get_child()))
        back = Back()

        def called(asked: Any) -> Any:
            call: Callable[[], Awaitable[Any]] = partial(self.runnable.ainvoke, asked, inner, **kwargs)
            return back.run(call)

        try:
            with quiet_context() as context:
                work = partial(context.run, self._moderated, given, called, back.began)
                return await in_thread(work, cancel=back.cancel)
        finally:
            back.cancel()  # a call that the budget did not wait for

    def _moderated(self, given: Any, call: Callable[[Any], Any], began: Began | None = None) -> Any:
        asked = Asked.of(self.runnable, given, self._input_key)

        def answered(turns: Sequence[Message]) -> Answered:
            advised = asked.advised(turns)
            return Answered.of(asked.restored(call(advised), advised), self._output_key, turns, given)

        conversation = asked.conversation
        result = moderated(
            self.pipeline,
            conversation,
            answered,
            lambda answer: answer.spoken,
            name=self.runnable.get_name(),
            revisable=asked.revisable,
            began=began,
        )
        outcome = result.outcome
        if result.passed is not None and outcome.answer is not None:
            mend = mender(self.pipeline, conversation)
            beside = _all_spoken(result.beside(result.passed))
            output = result.passed.released(outcome.answer, mend, metadata(outcome, tell=self._tell), beside)
            if output is not None:
                self._observe(outcome)
                return output
            outcome = held_back(outcome)
        self._observe(outcome)
        return self._refused(outcome, result)

    def _refused(self, outcome: Outcome, result: Moderated[Answered]) -> Any:
        """The refusal in the shape of what the runnable gave. Where it was not called, as far as its shape is known."""
        refusal, told = answer_of(outcome, refuse=self._refuse), metadata(outcome, tell=self._tell)
        if result.last is not None:
            return result.last.refused(refusal, told, _all_spoken(result.beside(result.last)))
        if gives_messages(self.runnable):
            return AIMessage(refusal, response_metadata=told)
        return refusal if self._output_key is None else {self._output_key: refusal}

    def _observe(self, outcome: Outcome) -> None:
        if self._on_outcome is not None:
            self._on_outcome(outcome)


def _all_spoken(answers: Iterable[Answered]) -> list[AIMessage]:
    return [message for answer in answers for message in answer.messages]
