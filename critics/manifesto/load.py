"""From a name or a path to a manifesto that fits its schema, and the tree that it came from."""

from __future__ import annotations

from dataclasses import dataclass

from critics.errors import ManifestoError
from critics.manifesto.extends import locate, resolve
from critics.manifesto.schema import Manifesto
from critics.manifesto.tree import Node, read_yaml
from critics.manifesto.validate import Invalid, fit


@dataclass(frozen=True)
class Loaded:
    """A manifesto and the tree in which its values stand."""

    manifesto: Manifesto
    tree: Node


def load_tree(name: str) -> Loaded:
    """Read a shipped manifesto by its name, or a file by its path. Raises `ManifestoError` with every fault."""
    path = locate(name)
    tree = resolve(path, read_yaml(path))
    try:
        return Loaded(fit(Manifesto, tree), tree)
    except Invalid as exc:
        raise ManifestoError(exc.faults) from exc
