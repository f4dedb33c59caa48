"""What is in the KV cache, as a radix tree of token prefixes.

After RadixAttention (arXiv 2312.07104). A node is a run of tokens that follows its parent's; its cells bear the node's
own sequence id, so each cell belongs to one node, and to the requests that read on from it. Nodes that no request uses
are parked outside of the cache, least recently used first: llama.cpp attends over every cell in use, so an idle prefix
slows down every token, and copying it back costs a hundredth of reading it again.

Where the device's sequences cannot be cut, a node is used whole or not at all, so that two that begin alike may stand
side by side; and its sequence ends where the node does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from pipeline.errors import ModelFault
from pipeline.llama.engine.device import Device, Saved
from pipeline.llama.shared import common

WORTH_UNPARKING = 16
"""Tokens: a shorter part of a parked node is read again rather than brought back."""


class Node:
    """Tokens at positions `start` to `end`, in the cache under `sequence`, or parked, or (a root) none."""

    def __init__(self, tokens: tuple[int, ...], parent: Node | None, *, whole: bool = False) -> None:
        self.tokens = tokens
        self.parent = parent
        self.start = parent.end if parent else 0
        self.children: list[Node] = []
        self.sequence: int | None = None
        self.saved: Saved | None = None
        self.planted: Saved | None = None
        """Its cells, where they came from outside and are kept there for as long as the engine lives."""
        self.whole = whole
        """Whether it is used whole or not at all."""
        self.users = 0
        self.used = 0
        self.pinned = False

    @property
    def end(self) -> int:
        return self.start + len(self.tokens)

    def path(self) -> list[Node]:
        """From below the root down to this node."""
        up: list[Node] = []
        node = self
        while node.parent is not None:
            up.append(node)
            node = node.parent
        return up[::-1]

    def best(self, ids: Sequence[int]) -> tuple[Node | None, int]:
        """The child that has most tokens in common with what `ids` has after this node, and how many."""
        found, most = None, 0
        for child in self.children:
            same = common(child.tokens, ids[self.end : self.end + len(child.tokens)])
            if same > most and not (child.whole and same < len(child.tokens)):
                found, most = child, same
        return found, most


class PrefixTree:
    """Prefixes under the sequence ids in `sequences`.

    `parked` is how many tokens are kept outside of the cache at most; `free` tells how many cells nobody has claimed.
    """

    def __init__(self, device: Device, sequences: Iterable[int], *, parked: int, free: Callable[[], int]) -> None:
        self._device = device
        self._sequences = list(sequences)
        self._most_parked = parked
        self._room = free
        self._roots: dict[Hashable, Node] = {}
        self.now = 0
        """The scheduler's clock, by which it is told what was used last."""
        self.cells = 0
        """Cells that nodes hold."""
        self.parked = 0
        """Tokens that are kept outside."""

    def nodes(self) -> Iterator[Node]:
        """All of them, but for the roots."""
        stack = [child for root in self._roots.values() for child in root.children]
        while stack:
            node = stack.pop()
            stack += node.children
            yield node

    def find(self, key: Hashable, ids: Sequence[int]) -> Node:
        """The node where the longest known prefix of `ids` under `key` ends; a root where none is known."""
        node = self._roots.setdefault(key, Node((), None))
        while True:
            child, same = node.best(ids)
            if child is None:
                return node
            if same < len(child.tokens):
                return self._split(child, same) or node
            node = child

    def lock(self, node: Node) -> None:
        """Keep the prefix where it is until it is unlocked as often."""
        for step in node.path():
            step.users += 1
            step.used = self.now

    def unlock(self, node: Node) -> None:
        for step in node.path():
            step.users -= 1
            step.used = self.now

    def cost(self, node: Node) -> int:
        """Cells that it takes to bring the prefix back into the cache."""
        return sum(len(step.tokens) for step in node.path() if step.sequence is None)

    def attach(self, node: Node, sequence: int) -> Node:
        """Let `sequence` read on from the prefix, which is locked, and for which `cost(node)` cells are free.

        Gives the node that it really got to, locked instead: what cannot be brought back is forgotten.
        """
        reached = node
        for step in node.path():
            if step.sequence is None and not self._unpark(step):
                assert step.parent is not None
                reached = step.parent
                self.lock(reached)
                self.unlock(node)
                if step.planted is None:
                    self._forget(step)
                break
            assert step.sequence is not None
            self._device.copy(step.sequence, sequence, step.start, step.end)
        return reached

    def insert(self, ids: Sequence[int], sequence: int, held: Node) -> Node:
        """Make the prefix `ids`, which is all that `sequence` has read, known from `held` (locked) on.

        Gives the node where what is known of it ends now, locked instead. What was known already is shared, so that it
        is not kept twice.
        """
        while held.end < len(ids):
            child, same = held.best(ids)
            if child is not None and same < len(child.tokens):
                child = self._split(child, same)
            if child is not None and not self._device.cuttable and child.end < len(ids):
                child = None  # the sequence holds more than that
            if child is None and self._own(held):
                self._extend(held, tuple(ids[held.end :]), sequence)
                break
            if child is None:
                child = self._add(held, tuple(ids[held.end :]), sequence)
            elif not self._share(child, sequence):
                child = None
            if child is None:
                break
            self.lock(child)
            self.unlock(held)
            held = child
        return held

    def pin(self, node: Node) -> None:
        """Let the prefix be among the last to be forgotten."""
        for step in node.path():
            step.pinned = True

    def plant(self, key: Hashable, tokens: tuple[int, ...], saved: Saved) -> None:
        """Make a prefix known whose cells were read elsewhere. It is neither split nor forgotten, and what it takes
        outside of the cache is not counted."""
        root = self._roots.setdefault(key, Node((), None))
        if any(child.planted is not None and child.tokens == tokens for child in root.children):
            return
        node = Node(tokens, root, whole=True)
        node.saved = node.planted = saved
        node.pinned = True
        root.children.append(node)

    def unplant(self, key: Hashable, tokens: tuple[int, ...]) -> None:
        """From now on the prefix is one like any other."""
        for node in self._roots[key].children if key in self._roots else ():
            if node.planted is not None and node.tokens == tokens:
                node.planted, node.pinned, node.whole = None, False, not self._device.cuttable
                self.parked += len(tokens) if node.sequence is None else 0

    def make_room(self, cells: int) -> None:
        """Park idle nodes until so many cells more are free, or no node is idle."""
        target = self.cells - cells
        while self.cells > target and self._park_oldest():
            pass

    def trim(self, grace: int) -> None:
        """Take out of the cache what nobody has used for longer than `grace`."""
        for node in self._idle():
            if node.sequence is not None and node.used < self.now - grace:
                self._park(node)

    def _idle(self) -> list[Node]:
        return [node for node in self.nodes() if node.sequence is not None and not node.users]

    def _share(self, node: Node, sequence: int) -> bool:
        """The node's cells and the sequence's own become one; whether that could be done."""
        if node.sequence is not None:
            if self._device.cuttable:
                self._device.remove(sequence, node.start, node.end)
                self._device.copy(node.sequence, sequence, node.start, node.end)
            else:
                self._device.remove(sequence)
                self._lay(node, sequence)
            return True
        number = self._number(node)
        if number is None:
            return False
        self._device.copy(sequence, number, node.start, node.end)
        self._arrived(node, number)
        return True

    def _lay(self, node: Node, sequence: int) -> None:
        """Put an empty sequence on the cells of the prefix, all of which are in the cache."""
        for step in node.path():
            assert step.sequence is not None
            self._device.copy(step.sequence, sequence, step.start, step.end)

    def _add(self, parent: Node, tokens: tuple[int, ...], sequence: int) -> Node | None:
        number = self._number(parent)
        if number is None:
            return None
        node = Node(tokens, parent, whole=not self._device.cuttable)
        self._device.copy(sequence, number, node.start, node.end)
        node.sequence = number
        self.cells += len(tokens)
        parent.children.append(node)
        return node

    def _own(self, node: Node) -> bool:
        """Whether the node is the end of one request's prefix, and of nobody else's, and may become longer."""
        alone = node.sequence is not None and node.users == 1 and not node.children
        return alone and not (node.pinned or node.whole)

    def _extend(self, node: Node, tokens: tuple[int, ...], sequence: int) -> None:
        """Let the node hold these tokens as well, which is one node less than if they had one of their own."""
        assert node.sequence is not None
        self._device.copy(sequence, node.sequence, node.end, node.end + len(tokens))
        node.tokens += tokens
        self.cells += len(tokens)

    def _split(self, node: Node, length: int) -> Node | None:
        """The node's first `length` tokens as a node of their own above the rest; `None` where that cannot be done, or
        is not worth bringing the node back."""
        if node.sequence is None and not (
            length >= WORTH_UNPARKING and self._room() >= len(node.tokens) and self._unpark(node)
        ):
            return None
        number = self._number(node)
        if number is None:
            return None
        assert node.parent is not None
        assert node.sequence is not None
        upper = Node(node.tokens[:length], node.parent)
        upper.users, upper.used, upper.sequence = node.users, node.used, number
        upper.pinned = node.pinned
        self._device.copy(node.sequence, number, upper.start, upper.end)
        self._device.remove(node.sequence, upper.start, upper.end)
        node.parent.children.remove(node)
        node.parent.children.append(upper)
        node.tokens, node.parent, node.start = node.tokens[length:], upper, upper.end
        upper.children.append(node)
        return upper

    def _number(self, spared: Node) -> int | None:
        """A sequence id, an idle node's if need be, but not of one on the path that is spared, which stays as it is."""
        if not self._sequences:
            path = spared.path()
            for step in path:
                step.users += 1
            self._park_oldest()
            for step in path:
                step.users -= 1
        return self._sequences.pop() if self._sequences else None

    def _park_oldest(self) -> bool:
        idle = self._idle()
        if idle:
            self._park(min(idle, key=lambda node: (node.used, -node.start)))
        return bool(idle)

    def _park(self, node: Node) -> None:
        assert node.sequence is not None
        try:
            node.saved = self._device.save(node.sequence) if node.planted is None else node.planted
        except ModelFault:  # it is read again when it is asked for
            self._forget(node)
            return
        self._device.remove(node.sequence)
        self._sequences.append(node.sequence)
        node.sequence = None
        self.cells -= len(node.tokens)
        self.parked += len(node.tokens) if node.planted is None else 0
        while self.parked > self._most_parked and self._forget_oldest():
            pass

    def _unpark(self, node: Node) -> bool:
        number = self._number(node)
        if number is None:
            return False
        assert node.saved is not None
        if not self._device.restore(number, node.saved):
            self._sequences.append(number)
            return False
        self._arrived(node, number)
        return True

    def _arrived(self, node: Node, number: int) -> None:
        node.sequence, node.saved = number, None
        self.cells += len(node.tokens)
        self.parked -= len(node.tokens) if node.planted is None else 0

    def _forget_oldest(self) -> bool:
        """Of those outside; whether there was one."""
        own = [node for node in self.nodes() if node.planted is None]
        leaves = [n for n in own if not n.children and n.sequence is None and not n.users]
        if not leaves:
            return False
        spared = 4 * sum(len(node.tokens) for node in own if node.pinned) <= 3 * self._most_parked
        self._forget(min(leaves, key=lambda node: (node.pinned and spared, node.used)))
        return True

    def _forget(self, node: Node) -> None:
        """The node and all below it, none of which anybody uses."""
        for child in list(node.children):
            self._forget(child)
        assert node.parent is not None
        if node.sequence is None:
            self.parked -= len(node.tokens)
        else:
            self._device.remove(node.sequence)
            self._sequences.append(node.sequence)
            self.cells -= len(node.tokens)
            node.sequence = None
        node.parent.children.remove(node)
