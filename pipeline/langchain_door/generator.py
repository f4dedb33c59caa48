"""A LangChain chat model as a generator."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from pipeline.drafting import DraftRequest, Finish, Form, Piece, Pieces, until
from pipeline.errors import ModelFault, ModelRefused, ModelUnable, ModelUnavailable
from pipeline.langchain_door.able import unable
from pipeline.langchain_door.calls import Gathered
from pipeline.langchain_door.dialects import dialect_of
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.halves import Halves
from pipeline.langchain_door.label import label_of, secrets_of
from pipeline.langchain_door.messages import finish_of, reason_of, text_of, to_langchain, usage_of
from pipeline.langchain_door.meter import Meter
from pipeline.langchain_door.quiet import quietly
from pipeline.langchain_door.retry import Retries, retried_stream
from pipeline.langchain_door.shape import unreachable
from pipeline.langchain_door.turn import turn

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable

_FAULTY = frozenset(
    {
        *("content_filter", "error", "abort", "cancelled", "failed", "incomplete"),  # OpenAI's, and its kin's
        *("safety", "recitation", "language", "blocklist", "prohibited_content", "spii", "other"),  # Google's
        *("malformed_function_call", "unexpected_tool_call"),
        *("guardrail_intervened", "content_filtered"),  # Bedrock's
        "refusal",  # Anthropic's
    }
)
"""Reasons for an answer to end before its end."""

_FORMS = 64
"""Forms of which it is remembered in which way a server takes them."""


class ChatGenerator:
    """Drafts by streaming from a chat model.

    `max_tokens` bounds every draft. Until the first piece a call that failed is made again, `tries` times in all; a
    failure after it propagates.
    """

    can_continue = False  # few servers read a trailing assistant message as the beginning of their own turn

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        max_tokens: int | None = None,
        tries: int = 3,
    ) -> None:
        self._dialect = dialect_of(model)
        self._label = label_of(name, self._dialect.place)
        self._secrets = secrets_of(model)
        self._max_tokens = max_tokens
        self._retries = Retries(attempts=tries)
        self._ways: dict[Form | None, int] = {}  # never changed but as a whole: threads read it
        self._streams_choices = True
        self.name = name

    def __call__(self, request: DraftRequest) -> Pieces:
        """Draft. Closing the generator closes the server's stream. Raises `ModelFault`."""
        if request.continues:
            raise ModelRefused(f"{self._label} cannot go on from the beginning of a turn: ask it for a whole one")
        # Not every server takes stop strings, and some of those that do not say nothing.
        return until(self._drafted(request), request.options.stop)

    def _drafted(self, request: DraftRequest, way: int | None = None) -> Pieces:
        """In the strictest way to ask for this form that the server is not known to refuse, or else in the next one: of
        another form that says nothing."""
        form = request.options.form
        way = self._ways.get(form, 0) if way is None else way
        begun = False
        try:
            attempts = retried_stream(lambda: self._pieces(request, way), self._retries, left=lambda: request.time_left)
            for piece in attempts:
                begun = True
                yield piece
        except ModelUnable as refusal:
            if begun or refusal.asked != "form" or way + 1 >= self._dialect.forms:
                raise
            yield from self._drafted(request, way + 1)
            self._ways = {**dict([*self._ways.items()][1 - _FORMS :]), form: way + 1}

    def _pieces(self, request: DraftRequest, way: int) -> Pieces:
        meter = Meter(request.messages)
        gathered, halves = Gathered(), Halves()
        finish: Finish | None = None
        reason, begun = "", False
        with (
            turn(self._dialect.engine, self._label, patience=self._retries.within(request.time_left).timeout),
            unable(request, self._label),
            translated(self._label, secrets=self._secrets),
            closing(self._chunks(request, way)) as chunks,
        ):
            for chunk in chunks:
                meter.count(usage_of(chunk))
                finish, reason = finish_of(chunk) or finish, reason_of(chunk) or reason
                text, called = halves.feed(text_of(chunk)), gathered.take(chunk)
                # Without a text as well, while the model thinks for instance: else nobody could stop it. But as long as
                # nothing was given, a call that fails is made again, and the first chunk has often nothing to give.
                if text or called or begun:
                    yield Piece(text, meter.charge(text + called))
                begun = True
            self._refuse_unended(reason, begun=begun)
        calls, rest = gathered.calls(finish), halves.rest()
        if request.options.tools and request.options.tools.must and not calls and finish == "stop":
            raise ModelUnable(f"{self._label} called no tool where it had to: it has none, it seems", asked="tools")
        if finish or meter.counted or calls or rest:
            yield Piece(rest, meter.settle(), finish, calls)

    def _refuse_unended(self, reason: str, *, begun: bool) -> None:
        """Half an answer is none."""
        if self._dialect.says_why and not begun:  # a page for people, for one
            what = "gave nothing that is an answer: check that base_url is that of its interface, as a rule with /v1"
            raise ModelUnavailable(f"{self._label} {what}")
        if self._dialect.says_why and not reason:
            raise ModelUnavailable(f"{self._label} broke off before the end of its answer")
        if reason in _FAULTY:
            raise ModelFault(f"{self._label} did not finish its answer: {reason}")

    def _chunks(self, request: DraftRequest, way: int) -> Generator[AIMessage]:
        wanted = request.options
        bounds = [bound for bound in (request.max_tokens, wanted.max_tokens, self._max_tokens) if bound is not None]
        options = self._dialect.drafting(
            seed=request.seed,
            max_tokens=min(bounds, default=None),
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            seconds=request.time_left,
        )
        tools, stop = wanted.tools, list(wanted.stop) or None
        drafter = partial(self._dialect.drafter, options, tools=tools, form=wanted.form, way=way)
        messages = to_langchain(request.messages)
        chooses = tools is not None and not tools.must
        if not chooses or self._streams_choices:
            some = False
            for chunk in _streamed(drafter(), messages, stop):
                some = True
                yield chunk
            if some or not chooses:
                return
            # llama-cpp-python's server streams nothing where the model chooses whether to call, and hangs up.
            self._streams_choices = False
        yield _asked_again(lambda: drafter(streamed=False).invoke(messages, quietly(), stop=stop))


def _streamed(
    model: Runnable[LanguageModelInput, AIMessage], messages: list[BaseMessage], stop: list[str] | None
) -> Generator[AIMessage]:
    try:
        yield from model.stream(messages, quietly(), stop=stop)
    except ValueError as exc:
        if "No generation chunks" not in str(exc):  # so LangChain reports an empty answer, which is no fault
            raise


def _asked_again(call: Callable[[], AIMessage]) -> AIMessage:
    """Once more where the connection is found to be broken: a client keeps those that a server has given up."""
    try:
        return call()
    except Exception as exc:
        if not unreachable(exc):
            raise
        return call()
