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
from functools import cache, lru_cache
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from critics import Message, neutralise
from pipeline.errors import BadInput, ModelUnusable
from pipeline.llama.turns import UNSHOWN, Turn, Turns, folded, left_out, listed_where_needed, systems

Tokenise = Callable[[str, bool], list[int]]
"""Text to token ids; the flag says whether control tokens in the text are taken for what they name."""

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
        messages is refused, and so is always one that leaves out what the system is told, even in the user's turn, what
        a user says, or what is to be answered. Raises `BadInput` for a conversation that the template refuses.
        """
        if not messages:
            raise BadInput("there is no message to answer")
        contents = [message.content for message in messages]
        given = {"add_generation_prompt": answered, **(variables or {})}
        show = cache(lambda turns: self._rendered(turns, given))
        held = listed_where_needed(
            tuple(Turn(m.role, f"\ue000{index}\ue001") for index, m in enumerate(messages)), show
        )
        lost = left_out(held, show, answered=answered)
        parts = _PLACEHOLDER.split(show(folded(held, lost)))
        if sorted(map(int, parts[1::2])) != list(range(len(contents))):
            # The template does more with a content than to show it, so it must see the content itself.
            neutral = [turn._replace(content=neutralise(text)) for turn, text in zip(held, contents, strict=True)]
            parts = [show(folded(neutral, lost))]
            if variables is not None and not all(turn.content.strip() in parts[0] for turn in neutral):
                raise BadInput(UNSHOWN)
        ids: list[int] = []
        for index, part in enumerate(parts):
            if index % 2 and messages[int(part)].role == "system":
                ids += self._told(contents[int(part)])
            else:
                ids += self._tokenise(contents[int(part)], False) if index % 2 else self._tokenise(part, True)
        if add_bos and self._bos and not parts[0].startswith(self._bos):
            ids = self._tokenise(self._bos, True) + ids
        return ids + (self._tokenise(continues, False) if continues else [])

    def _rendered(self, turns: Turns, given: Mapping[str, Any]) -> str:
        try:
            return self._render(turns, given)
        except TemplateError as exc:
            if not systems(turns):
                raise BadInput(f"the model's chat template refuses this conversation: {exc}") from exc
        try:
            return self._render(folded(turns, systems(turns)), given)
        except TemplateError as exc:
            raise BadInput(f"the model's chat template refuses this conversation: {exc}") from exc

    def _render(self, turns: Turns, given: Mapping[str, Any]) -> str:
        told = [
            {"role": turn.role, "content": [{"type": "text", "text": turn.content}] if turn.listed else turn.content}
            for turn in turns
        ]
        try:
            return self._template.render(**{"messages": told, "tools": None, **self._specials, **given})
        except TemplateError:
            raise
        except Exception as exc:  # a template is somebody's program, and may fail as any other
            raise TemplateError(f"{type(exc).__name__}: {exc}") from exc


def _refuse(why: str) -> NoReturn:
    raise TemplateError(why)
