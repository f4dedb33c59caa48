"""Where a fault is told: where somebody can mend it."""

from __future__ import annotations

from critics.errors import Fault
from critics.manifesto.tree import Node

Place = tuple[str | int, ...]
Complaint = tuple[Place, str]


def placed(node: Node, complaint: Complaint) -> Fault:
    """At the key that is complained of; where a rule, or the manifesto itself, inherits that one, at the rule: the file
    that it stands in need not be the writer's."""
    place, what = complaint
    mark = node.place(*place)
    heir, key = (node.find(*place[:2]).node, place[2:]) if place[0] == "rules" else (node, place)
    if not key or mark.path == heir.mark.path:
        return mark.fault(what)
    return heir.mark.fault(f"{what}; `{key[0]}` is inherited from {mark.path}:{mark.line}, and may be given anew here")
