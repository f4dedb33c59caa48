"""From a name or a path to a manifesto that fits its schema, and the tree that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

from critics.errors import Fault, ManifestoError
from critics.manifesto.extends import locate, resolve
from critics.manifesto.schema import Manifesto, Rule
from critics.manifesto.tree import Entry, Node, read_yaml
from critics.manifesto.validate import Invalid, fit


@dataclass(frozen=True)
class Loaded:
    """A manifesto and the tree in which its values stand."""

    manifesto: Manifesto
    tree: Node


@dataclass(frozen=True)
class TriedRule:
    """A rule, the tree that it stands in, and whether all that it says is in it."""

    rule: Rule
    node: Node
    whole: bool


@dataclass(frozen=True)
class Tried:
    """As much of a manifesto as can be read, and what is wrong with it so far."""

    loaded: Loaded | None
    tree: Node
    faults: tuple[Fault, ...]
    whole: bool
    """Whether all that it extends could be read."""

    def rules(self) -> Iterator[TriedRule]:
        """Each rule, as far as it can be read."""
        for node in self.tree.entries["rules"].node.items if "rules" in self.tree.entries else ():
            yield _rule(node, whole=self.whole)


def load_tree(name: str) -> Loaded:
    """Read a shipped manifesto by its name, or a file by its path. Raises `ManifestoError` with every fault."""
    tried = try_tree(name)
    if tried.loaded is None:
        raise ManifestoError(tried.faults)
    return tried.loaded


def try_tree(name: str | PathLike[str]) -> Tried:
    """As `load_tree`, with the faults beside what can be read in spite of them.

    Raises `ManifestoError` where there is no such file, or what is in it is not YAML.
    """
    path = locate(name)
    faults: list[Fault] = []
    tree = resolve(path, read_yaml(path), faults)
    if not (whole := "extends" not in tree.entries):
        tree = Node(tree.mark, {key: entry for key, entry in tree.entries.items() if key != "extends"})
    manifesto = None
    try:
        manifesto = fit(Manifesto, tree)
    except Invalid as exc:
        known = {fault.place for fault in faults}
        faults += [fault for fault in exc.faults if fault.place not in known]
    loaded = Loaded(manifesto, tree) if manifesto and not faults else None
    return Tried(loaded, tree, tuple(faults), whole)


def _rule(node: Node, *, whole: bool) -> TriedRule:
    try:
        return TriedRule(fit(Rule, node), node, whole)
    except Invalid as exc:
        filler = {key: Entry(node.mark, Node(node.mark, "unread")) for key in ("id", "statement")}
        sound = {key: entry for key, entry in node.entries.items() if key not in exc.keys}
        return TriedRule(fit(Rule, Node(node.mark, filler | sound)), node, whole=False)
