"""YAML read once, at the door, into a tree that remembers where everything stood.

Nothing is constructed from tags and nothing is executed: scalars follow the YAML 1.2 core schema (`no` is a word, not
false), a tag that is not of that schema is a fault, and aliases may not blow a small file up into a large one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from critics.errors import Fault, ManifestoError

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 40
MAX_INTEGER = 2**63

_TOO_MANY = f"more than {MAX_NODES} values, aliases counted where they are used"

_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Mark:
    """A place in a file; line and column count from 1."""

    path: str
    line: int = 1
    column: int = 1

    def fault(self, what: str) -> Fault:
        return Fault(self.path, self.line, self.column, what)


@dataclass(frozen=True)
class Entry:
    """A key of a mapping, where it stands, and its value."""

    mark: Mark
    node: Node


Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Node:
    """A value and where it starts; of a scalar also how it is written: `007` is the number 7."""

    mark: Mark
    value: Scalar | tuple[Node, ...] | dict[str, Entry]
    written: str = ""

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        return self.value if isinstance(self.value, tuple) else ()

    def plain(self) -> Any:
        """The value as JSON types."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def place(self, *steps: str | int) -> Mark:
        """Where the value at the end of `steps` stands: its key in a mapping, else the nearest thing above it."""
        return self.find(*steps).mark

    def find(self, *steps: str | int) -> Entry:
        """The value at the end of `steps`, or the nearest thing above it, and its place."""
        found = Entry(self.mark, self)
        for step in steps:
            if isinstance(step, str) and step in found.node.entries:
                found = found.node.entries[step]
            elif isinstance(step, int) and step < len(found.node.items):
                found = Entry(found.node.items[step].mark, found.node.items[step])
            else:
                break
        return found


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml where the wheel has it
    """Resolves plain scalars by YAML 1.2's core schema instead of 1.1's."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own shape


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_CORE + _tag, re.compile(_pattern), _first)


def read_yaml(path: Path) -> Node:
    """Read a YAML file of at most `MAX_BYTES`. Raises `ManifestoError` with every fault."""
    mark = Mark(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:  # a path with a NUL in it is a ValueError
        raise ManifestoError([mark.fault(f"cannot be read: {getattr(exc, 'strerror', None) or exc}")]) from exc
    if len(data) > MAX_BYTES:
        raise ManifestoError([mark.fault(f"larger than {MAX_BYTES // 1024} KiB, so it is not a manifesto")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        line, column = before.count(b"\n") + 1, exc.start - before.rfind(b"\n")
        fault = Fault(mark.path, line, column, f"not UTF-8: byte 0x{data[exc.start]:02x}; save the file as UTF-8")
        raise ManifestoError([fault]) from exc
    return parse(text, mark.path)


def parse(text: str, path: str) -> Node:
    """Parse one YAML document; an empty one is an empty mapping. Raises `ManifestoError` with every fault."""
    composed = _compose(text, path)
    if composed is None:
        return Node(Mark(path), {})
    builder = _Builder(path)
    node = builder.build(composed, 0)
    if builder.faults:
        raise ManifestoError(builder.faults)
    return node


def _compose(text: str, path: str) -> yaml.Node | None:
    try:
        _refuse_overgrown(text)
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
        return node
    except yaml.MarkedYAMLError as exc:
        where = exc.problem_mark or exc.context_mark
        mark = Mark(path, where.line + 1, where.column + 1) if where else Mark(path)
        what = " ".join(filter(None, (exc.context, exc.problem)))
        if where and text[where.index : where.index + 1] == "\t":
            what = "there is a tab; indent with spaces"
        elif "mapping values are not allowed" in what:
            what += "; put quotes around words with a colon and a space in them"
        elif "unknown escape character" in what:
            what += "; put single quotes around it, in which a backslash stands for itself"
        raise ManifestoError([mark.fault(f"not YAML: {what}")]) from exc
    except yaml.reader.ReaderError as exc:
        # libyaml counts bytes.
        before = text.encode()[: exc.position].decode(errors="ignore") if isinstance(exc.position, int) else ""
        mark = Mark(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise ManifestoError([mark.fault("a control character that YAML does not allow")]) from exc
    except yaml.YAMLError as exc:
        raise ManifestoError([Mark(path).fault(f"not YAML that can be read: {exc}")]) from exc
    except _Overgrown as exc:
        raise ManifestoError([Mark(path).fault(str(exc))]) from exc


class _Overgrown(Exception):
    """The document expands beyond all reason."""


def _refuse_overgrown(text: str) -> None:
    """Walk the events, which is flat: composing recurses in C, and a deep document would take the process down."""
    depth = nodes = 0
    for event in yaml.parse(text, _Loader):
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > 2 * MAX_NODES:  # at worst, every other one is a key
            raise _Overgrown(_TOO_MANY)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _Overgrown(f"nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns PyYAML's nodes into ours, collecting faults and counting what aliases expand to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self._count = 0

    def build(self, node: yaml.Node, depth: int) -> Node:
        try:
            return self._build(node, depth)
        except _Overgrown as exc:
            self.faults.append(Mark(self.path).fault(str(exc)))
            return Node(Mark(self.path), None)

    def _build(self, node: yaml.Node, depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            raise _Overgrown(_TOO_MANY)
        if depth > MAX_DEPTH:
            raise _Overgrown(f"nested more than {MAX_DEPTH} deep")
        mark = Mark(self.path, node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == _CORE + "map":
            return Node(mark, dict(self._entries(node, depth)))
        if isinstance(node, yaml.SequenceNode) and node.tag == _CORE + "seq":
            return Node(mark, tuple(self._build(item, depth + 1) for item in node.value))
        if isinstance(node, yaml.ScalarNode):
            return Node(mark, self._scalar(node, mark), node.value)
        self.faults.append(mark.fault(f"the tag {_shown(node.tag)} is not allowed in a manifesto"))
        return Node(mark, None)

    def _entries(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Entry]]:
        seen: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            mark = Mark(self.path, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(mark.fault("a key must be a word"))
                continue
            key: str = key_node.value
            if key in seen:
                self.faults.append(mark.fault(f"`{key}` stands here twice; the first is on line {seen[key].line}"))
            seen[key] = mark
            yield key, Entry(mark, self._build(value_node, depth + 1))

    def _scalar(self, node: yaml.ScalarNode, mark: Mark) -> Scalar:
        make = _SCALARS.get(node.tag)
        if make is None:
            self.faults.append(mark.fault(f"the tag {_shown(node.tag)} is not allowed in a manifesto"))
            return None
        try:
            value: Scalar = make(node.value)
        except ValueError:
            self.faults.append(mark.fault(f"{node.value[:40]!r} is not a number that can be read"))
            return None
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            self.faults.append(mark.fault("this number is beyond all use"))
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.faults.append(mark.fault("this is not a finite number; if it is a word, put quotes around it"))
            return None
        return value


def _shown(tag: str) -> str:
    """One of one's own is mostly a word without its quotes, and may be a key."""
    return "!!" + tag.removeprefix(_CORE)[:80] if tag.startswith(_CORE) else "`!…`"


_SCALARS: dict[str, Callable[[str], Scalar]] = {
    _CORE + "str": str,
    _CORE + "null": lambda _: None,
    _CORE + "bool": lambda text: text.lower() == "true",
    _CORE + "int": lambda text: int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10),
    _CORE + "float": lambda text: float(text.replace(".inf", "inf").replace(".nan", "nan")),
}
