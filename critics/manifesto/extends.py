"""`extends:`: a manifesto builds on another, overrides its rules by id and disables rules.

A key given in the child replaces the parent's. Rules are matched by `id`: keys given replace the parent's keys of that
rule, `disabled: true` takes the rule out, a new id is appended.
"""

from __future__ import annotations

from pathlib import Path

import manifestos
from critics.errors import Fault, ManifestoError
from critics.manifesto.tree import Entry, Mark, Node, read_yaml
from critics.manifesto.validate import did_you_mean


def locate(name: str, beside: Path | None = None, mark: Mark | None = None) -> Path:
    """The file that `name` means: a path (it has a slash or ends in .yaml or .yml) or a shipped manifesto's name.

    Raises `ManifestoError` where there is none.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return (beside / name) if beside else Path(name)
    try:
        return manifestos.path(name)
    except KeyError:
        shipped = manifestos.names()
        what = f"no shipped manifesto is called {name!r}" + did_you_mean(name, shipped)
        cure = f"shipped are {', '.join(shipped)}; a file's path needs a slash or .yaml"
        raise ManifestoError([(mark or Mark(name)).fault(f"{what} ({cure})")]) from None


def resolve(path: Path, node: Node, seen: tuple[Path, ...] = ()) -> Node:
    """The tree with everything that it extends merged in. Raises `ManifestoError`, also for a circle."""
    chain = (*seen, path.resolve())
    entry = node.entries.get("extends")
    if entry is None:
        return _without_switches(node)
    name = entry.node.value
    if not isinstance(name, str) or "\0" in name:
        raise ManifestoError([entry.mark.fault("`extends` must be a shipped name or a path")])
    parent_path = locate(name, path.parent, entry.mark)
    if parent_path.resolve() in chain:
        circle = " → ".join(p.name for p in (*chain, parent_path))
        raise ManifestoError([entry.mark.fault(f"`extends` goes in a circle: {circle}")])
    parent = resolve(parent_path, _read_parent(parent_path, entry.mark), chain)
    return _merged(parent, node)


def lineage(name: str) -> tuple[Path, ...]:
    """The file of a manifesto and those that it builds on, as far as they can be read."""
    files: list[Path] = []
    path: Path | None = locate(name)
    while path is not None and path.resolve() not in [file.resolve() for file in files]:
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


def _read_parent(path: Path, mark: Mark) -> Node:
    if not path.is_file():
        raise ManifestoError([mark.fault(f"`extends` names {path}, which is not a file")])
    return read_yaml(path)


def _merged(parent: Node, child: Node) -> Node:
    entries = {key: entry for key, entry in parent.entries.items() if key != "name"}
    entries.update({key: entry for key, entry in child.entries.items() if key != "extends"})
    own = child.entries.get("rules")
    if own and not isinstance(own.node.value, tuple):
        raise ManifestoError([own.mark.fault("`rules` must be a list: each rule begins with a hyphen")])
    if own and "rules" in parent.entries:
        rules = _merged_rules(parent.entries["rules"].node, own.node)
        entries["rules"] = Entry(own.mark, Node(own.node.mark, rules))
    return Node(child.mark, entries)


def _merged_rules(parent: Node, child: Node) -> tuple[Node, ...]:
    rules = {_id(rule) or index: rule for index, rule in enumerate(parent.items)}
    faults: list[Fault] = []
    for index, rule in enumerate(child.items):
        key = _id(rule) or -1 - index
        switch = rule.entries.get("disabled")
        if switch and (what := _misuse(rule, switch)):
            faults.append(switch.mark.fault(what))
        elif switch and key not in rules:
            known = [name for name in rules if isinstance(name, str)]
            faults.append(switch.mark.fault(f"there is no rule `{key}` to disable{did_you_mean(str(key), known)}"))
        elif switch and switch.node.value is True:
            del rules[key]
        elif key in rules:
            kept = {name: entry for name, entry in rule.entries.items() if name != "disabled"}
            rules[key] = Node(rule.mark, {**rules[key].entries, **kept})
        else:
            rules[key] = rule
    faults += _repeated(child)
    if faults:
        raise ManifestoError(faults)
    return tuple(rules.values())


def _misuse(rule: Node, switch: Entry) -> str | None:
    if not isinstance(switch.node.value, bool):
        return f"`disabled` must be true or false, not {switch.node.value!r}"
    return None if _id(rule) else "`disabled` needs the `id` of the rule to disable"


def _without_switches(node: Node) -> Node:
    faults = [
        rule.entries["disabled"].mark.fault("`disabled` needs `extends`: there is nothing here to disable")
        for rule in (node.entries["rules"].node.items if "rules" in node.entries else ())
        if "disabled" in rule.entries
    ]
    if "rules" in node.entries:
        faults += _repeated(node.entries["rules"].node)
    if faults:
        raise ManifestoError(faults)
    return node


def _repeated(rules: Node) -> list[Fault]:
    seen: dict[str, Mark] = {}
    faults = []
    for rule in rules.items:
        key = _id(rule)
        if key is None:
            continue
        mark = rule.place("id")
        if key in seen:
            faults.append(mark.fault(f"a second rule with the id `{key}`; the first is on line {seen[key].line}"))
        seen.setdefault(key, mark)
    return faults


def _id(rule: Node) -> str | None:
    value = rule.entries["id"].node.value if "id" in rule.entries else None
    return value if isinstance(value, str) else None
