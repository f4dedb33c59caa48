"""A conversation as tokens, through the chat template that the model's own file carries.

The template's text may hold control tokens; what people and models wrote may not. So the template is rendered with
placeholders, and each content is tokenised by itself with control tokens switched off: `<|im_end|>` in a prompt is six
ordinary characters, whatever the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from critics import Message, neutralise
from pipeline.errors import BadInput, ModelUnusable

Tokenise = Callable[[str, bool], list[int]]
"""Text to token ids; the flag says whether control tokens in the text are taken for what they name."""

_UNSHOWN = "the model's chat template does not show all that is said"
_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")


class _Generation(Extension):
    """`{% generation %}`, which marks for training what the assistant says, and shows what is in it."""

    tags = {"generation"}  # noqa: RUF012  # as Jinja's own are declared

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """A chat template and what it takes to tokenise with it. Raises `ModelUnusable` for a template that is broken."""

    def __init__(self, source: str, *, bos: str, eos: str, tokenise: Tokenise) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
        )
        environment.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.now().strftime(form))
        try:
            self._template = environment.from_string(source)
        except Exception as exc:  # not only Jinja's own: its nesting may be too deep for Python
            raise ModelUnusable(f"the model's chat template does not compile: {exc}") from exc
        self._specials = {"bos_token": bos, "eos_token": eos}
        self._bos = bos
        self._use(tokenise)

    def tokenising(self, tokenise: Tokenise) -> ChatTemplate:
        """The same template with other tokens for texts."""
        other = copy(self)
        other._use(tokenise)
        return other

    def _use(self, tokenise: Tokenise) -> None:
        self._tokenise = tokenise
        # What the system is told is the same from call to call, and long.
        self._told = lru_cache(maxsize=16)(lambda text: tuple(tokenise(text, False)))

    def tokens(
        self,
        messages: Sequence[Message],
        *,
        continues: str = "",
        add_bos: bool = False,
        answered: bool = True,
        variables: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Token ids up to where the assistant's turn begins, or goes on after `continues`; up to the end of the last
        turn where nothing is to be `answered`.

        `variables` are what else the template takes; with them, even with none, a template that leaves out any of the
        messages is refused, and so is always one that leaves out what the system is told, even in the user's turn.
        Raises `BadInput` for a conversation that the template refuses.
        """
        if not messages:
            raise BadInput("there is no message to answer")
        contents = [message.content for message in messages]
        held = [Message(m.role, f"\ue000{index}\ue001") for index, m in enumerate(messages)]
        given = {"add_generation_prompt": answered, **(variables or {})}
        lost = self._left_out(held, given, variables)
        parts = self._parted(_folded(held, lost), given, variables)
        if sorted(map(int, parts[1::2])) != list(range(len(contents))):
            # The template does more with a content than to show it, so it must see the content itself.
            neutral = _folded([Message(m.role, neutralise(m.content)) for m in messages], lost)
            parts = [self._rendered(neutral, given)]
            if variables is not None and not all(m.content.strip() in parts[0] for m in neutral):
                raise BadInput(_UNSHOWN)
        ids: list[int] = []
        for index, part in enumerate(parts):
            if index % 2 and messages[int(part)].role == "system":
                ids += self._told(contents[int(part)])
            else:
                ids += self._tokenise(contents[int(part)], False) if index % 2 else self._tokenise(part, True)
        if add_bos and self._bos and not parts[0].startswith(self._bos):
            ids = self._tokenise(self._bos, True) + ids
        return ids + (self._tokenise(continues, False) if continues else [])

    def _left_out(
        self, held: Sequence[Message], given: Mapping[str, Any], variables: Mapping[str, Any] | None
    ) -> Sequence[int]:
        """The system messages that the template passes over in silence, as those do that have no system role (Phi-3's).
        Raises `BadInput` for one that is passed over in the user's turn as well."""

        def passed_over(index: int, lost: Sequence[int]) -> bool:
            shown = self._parted(_folded(held, lost), given, variables)
            other = [*held[:index], Message(held[index].role, "\ue000\ue001"), *held[index + 1 :]]
            return str(index) not in shown[1::2] and shown == self._parted(_folded(other, lost), given, variables)

        lost = [index for index in _systems(held) if passed_over(index, ())]
        if any(passed_over(index, lost) for index in lost):
            raise BadInput(_UNSHOWN)
        return lost

    def _parted(
        self, held: Sequence[Message], given: Mapping[str, Any], variables: Mapping[str, Any] | None
    ) -> list[str]:
        """What the template makes of placeholders, with their numbers at the odd places."""
        parts = _PLACEHOLDER.split(self._rendered(held, given))
        if variables is not None and not parts[1:]:
            # Templates of models that see pictures too look for texts in a list, and find none in a text.
            parts = _PLACEHOLDER.split(self._rendered(held, given, listed=True))
        return parts

    def _rendered(self, messages: Sequence[Message], given: Mapping[str, Any], *, listed: bool = False) -> str:
        try:
            return self._render(messages, given, listed=listed)
        except TemplateError as exc:
            if not _systems(messages):
                raise BadInput(f"the model's chat template refuses this conversation: {exc}") from exc
        try:
            return self._render(_folded(messages, _systems(messages)), given, listed=listed)
        except TemplateError as exc:
            raise BadInput(f"the model's chat template refuses this conversation: {exc}") from exc

    def _render(self, messages: Sequence[Message], given: Mapping[str, Any], *, listed: bool) -> str:
        turns: list[dict[str, Any]] = [
            {"role": m.role, "content": [{"type": "text", "text": m.content}] if listed else m.content}
            for m in messages
        ]
        try:
            return self._template.render(**{"messages": turns, "tools": None, **self._specials, **given})
        except TemplateError:
            raise
        except Exception as exc:  # a template is somebody's program, and may fail as any other
            raise TemplateError(f"{type(exc).__name__}: {exc}") from exc


def _systems(messages: Sequence[Message]) -> Sequence[int]:
    return [index for index, message in enumerate(messages) if message.role == "system"]


def _folded(messages: Sequence[Message], which: Sequence[int]) -> list[Message]:
    """These system messages at the head of the next user turn, or as one where none comes, for templates (Gemma's) that
    have no system role."""
    made, waiting = list[Message](), list[str]()
    for index, message in enumerate(messages):
        if index in which and any(later.role == "user" for later in messages[index:]):
            waiting.append(message.content)
        elif index in which or (waiting and message.role == "user"):
            made.append(Message("user", "\n\n".join([*waiting, message.content])))
            waiting = []
        else:
            made.append(message)
    return made


def _refuse(why: str) -> NoReturn:
    raise TemplateError(why)
