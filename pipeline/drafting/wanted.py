"""What a caller wants a draft to be, where that is more than prose. JSON schemas are kept as their text.

Raises `BadInput` for a schema that is no such text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import BadInput
from pipeline.spelling import parsed


@dataclass(frozen=True)
class Tool:
    """A function that a draft may call. `parameters` is a JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: str = '{"type": "object", "properties": {}}'
    strict: bool | None = None

    def __post_init__(self) -> None:
        _parse(self.parameters, f"`parameters` of the tool {self.name!r}")


@dataclass(frozen=True)
class Tools:
    """What may be called: any of `offered` or none (`auto`), at least one (`required`), or the one that is `named`.

    Raises `BadInput` where two of them have one name, and where what must be called is not offered.
    """

    offered: tuple[Tool, ...]
    choice: Literal["auto", "none", "required"] = "auto"
    named: str = ""
    parallel: bool | None = None

    def __post_init__(self) -> None:
        names = [tool.name for tool in self.offered]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"two tools have one name, {twice[0]!r}: nobody could tell which of them is called")
        if self.named and self.named not in names:
            raise BadInput(f"there is no tool {self.named!r} to be called: {', '.join(names) or 'none'} is offered")
        if self.choice == "required" and not names:
            raise BadInput("a tool must be called, and none is offered")

    @property
    def callable(self) -> frozenset[str]:
        """The names that a draft may call."""
        if self.named:
            return frozenset({self.named})
        return frozenset() if self.choice == "none" else frozenset(tool.name for tool in self.offered)

    @property
    def must(self) -> bool:
        """Whether a draft that calls none is not what was asked for."""
        return bool(self.named) or self.choice == "required"


@dataclass(frozen=True)
class Form:
    """JSON, and nothing else: any object, or what `schema` describes. `name` and `strict` are for servers that want
    them."""

    schema: str = ""
    description: str = ""
    name: str = "answer"
    strict: bool | None = None

    def __post_init__(self) -> None:
        _parse(self.schema or "{}", "`schema`")


def _parse(schema: object, where: str) -> None:
    if not isinstance(schema, str):
        raise BadInput(f"{where} is a JSON schema as a text, not a {type(schema).__name__}: json.dumps writes one")
    try:
        parsed(schema)
    except ValueError as exc:
        raise BadInput(f"{where} is no JSON: {exc}") from None
