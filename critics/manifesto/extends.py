"""`extends:`: a manifesto builds on another, overrides its rules by id and disables rules.

A key given in the child replaces the parent's. Rules are matched by `id`: keys given replace the parent's keys of that
rule, `disabled: true` takes the rule out, a new id is appended.
"""

from __future__ import annotations

import os
from pathlib import Path

import manifestos
from critics.errors import Fault, ManifestoError
from critics.manifesto.tree import Entry, Mark, Node, read_yaml
from critics.manifesto.validate import did_you_mean

_UNREAD = "unread"


def locate(name: str | os.PathLike[str], beside: Path | None = None, mark: Mark | None = None) -> Path:
    """The file that `name` means: a path (it has a slash or ends in .yaml or .yml) or a shipped manifesto's name.

    Raises `ManifestoError` where there is none.
    """
    name = os.fspath(name)
    if "/" in name or name.endswith((".yaml", ".yml")):
        path = os.path.expanduser(name)
        return (beside / path) if beside else Path(path)
    try:
        return manifestos.path(name)
    except KeyError:
        shipped = manifestos.names()
        what = f"no shipped manifesto is called {name!r}" + did_you_mean(name, shipped)
        cure = f"shipped are {', '.join(shipped)}; a file's path needs a slash or .yaml"
        raise ManifestoError([(mark or Mark(name)).fault(f"{what} ({cure})")]) from None


def resolve(path: Path, node: Node, faults: list[Fault], seen: tuple[Path, ...] = ()) -> Node:
    """The tree with everything that it extends merged in. What is wrong, also a circle, is added to `faults`.

    Where something that it extends cannot be read, the tree keeps `extends`, and says nothing in its place.
    """
    chain = (*seen, _real(path))
    entry = node.entries.get("extends")
    if entry is None:
        return _without_switches(node, faults)
    try:
        parent_path = _parent_of(path, entry, chain)
        parent = resolve(parent_path, read_yaml(parent_path), faults, chain)
    except ManifestoError as exc:
        faults += exc.faults
        parent = _unread(entry, node)
    return _merged(parent, node, faults)


def lineage(name: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The file of a manifesto and those that it builds on, as far as they can be read."""
    files: list[Path] = []
    path: Path | None = locate(name)
    while path is not None and _real(path) not in map(_real, files):
        files.append(path)
        path = _parent(path)
    return tuple(files)


def _parent(path: Path) -> Path | None:
    try:
        entry = read_yaml(path).entries.get("extends")
        value = entry.node.value if entry else None
        return locate(value, path.parent) if isinstance(value, str) and "\0" not in value else None
    except ManifestoError:
        return None


def _parent_of(path: Path, entry: Entry, chain: tuple[Path, ...]) -> Path:
    name = entry.node.value
    if not isinstance(name, str) or "\0" in name:
        raise ManifestoError([entry.mark.fault("`extends` must be a shipped name or a path")])
    parent = locate(name, path.parent, entry.mark)
    if _real(parent) in chain:
        circle = " → ".join(p.name for p in (*chain, parent))
        raise ManifestoError([entry.mark.fault(f"`extends` goes in a circle: {circle}")])
    if not os.path.isfile(parent):  # a path's own `is_file` raises where a name is too long
        meant = did_you_mean(Path(name).stem, manifestos.names()) if "/" not in name else ""
        raise ManifestoError([entry.mark.fault(f"`extends` names {parent}, which is not a file{meant}")])
    return parent


def _real(path: Path) -> Path:
    """Without links, as far as they lead anywhere: `Path.resolve` raises where they go in a circle."""
    return Path(os.path.realpath(path))


def _unread(extends: Entry, child: Node) -> Node:
    """In the place of a parent that cannot be read: as much of it as must be there for the child to be looked at."""

    def node(value: str) -> Entry:
        return Entry(extends.mark, Node(extends.mark, value))

    ids = dict.fromkeys([*filter(None, map(_id, _rules(child))), _UNREAD])
    rules = tuple(Node(extends.mark, {"id": node(key), "statement": node(_UNREAD)}) for key in ids)
    known = {"version": node(_UNREAD), "rules": Entry(extends.mark, Node(extends.mark, rules))}
    return Node(extends.mark, {"extends": extends, **known})


def _merged(parent: Node, child: Node, faults: list[Fault]) -> Node:
    entries = {key: entry for key, entry in parent.entries.items() if key != "name"}
    entries.update({key: entry for key, entry in child.entries.items() if key != "extends"})
    own, inherited = child.entries.get("rules"), parent.entries.get("rules")
    if own and not isinstance(own.node.value, tuple):
        faults.append(own.mark.fault("`rules` must be a list: each rule begins with a hyphen"))
        entries["rules"] = inherited or own
    elif own and inherited:
        rules = _merged_rules(inherited.node, own.node, faults)
        entries["rules"] = Entry(own.mark, Node(own.node.mark, rules))
    return Node(child.mark, entries)


def _merged_rules(parent: Node, child: Node, faults: list[Fault]) -> tuple[Node, ...]:
    rules = {_id(rule) or index: rule for index, rule in enumerate(parent.items)}
    inherited, named = dict(rules), set[str | int]()
    for index, rule in enumerate(child.items):
        key = _id(rule) or -1 - index
        if key in named:  # a fault, but what it says is looked at
            key, rule = -1 - index, _over(inherited.get(key), rule)
        named.add(key)
        switch = rule.entries.get("disabled")
        if switch and (what := _misuse(rule, switch)):
            faults.append(switch.mark.fault(what))
            continue
        if switch and key not in rules:
            known = [name for name in rules if isinstance(name, str)]
            name = str(_id(rule))
            faults.append(switch.mark.fault(f"there is no rule `{name}` to disable{did_you_mean(name, known)}"))
        elif switch and switch.node.value is True:
            del rules[key]
        else:
            rules[key] = _over(rules.get(key), rule)
    faults += _repeated(child.items)
    return tuple(rules.values())


def _over(inherited: Node | None, own: Node) -> Node:
    """A rule with its own keys over those that it inherits, if it does."""
    if inherited is None:
        return own
    kept = {name: entry for name, entry in own.entries.items() if name != "disabled"}
    return Node(own.mark, {**inherited.entries, **kept})


def _misuse(rule: Node, switch: Entry) -> str | None:
    if not isinstance(switch.node.value, bool):
        return f"`disabled` must be true or false, not {switch.node.value!r}"
    return None if _id(rule) else "`disabled` needs the `id` of the rule to disable"


def _without_switches(node: Node, faults: list[Fault]) -> Node:
    switches = [rule.entries["disabled"] for rule in _rules(node) if "disabled" in rule.entries]
    if switches:  # then `extends` was forgotten
        what = "`disabled` needs `extends`: there is nothing here to disable"
        faults += [switch.mark.fault(what) for switch in switches]
        return _merged(_unread(switches[0], node), node, faults)
    faults += _repeated(_rules(node))
    return node


def _repeated(rules: tuple[Node, ...]) -> list[Fault]:
    seen: dict[str, Mark] = {}
    faults = []
    for rule in rules:
        key = _id(rule)
        if key is None:
            continue
        mark = rule.place("id")
        if key in seen:
            faults.append(mark.fault(f"a second rule with the id `{key}`; the first is on line {seen[key].line}"))
        seen.setdefault(key, mark)
    return faults


def _rules(node: Node) -> tuple[Node, ...]:
    return node.entries["rules"].node.items if "rules" in node.entries else ()


def _id(rule: Node) -> str | None:
    value = rule.entries["id"].node.value if "id" in rule.entries else None
    return value if isinstance(value, str) else None
