"""Which statements an exchange is held against, so that the rule and not the text alone decides the answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from bench.training.material import Mark, data, marks
from critics import load
from manifestos import names


class Asked:
    """Draws statements. Each method gives those about one thing, labelled, and a few about other things, kept."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._harm = data("harm")
        self._narrow = frozenset(self._harm["narrow"])
        self.marks: Sequence[Mark] = [mark for mark in marks() if not mark.unseen]
        self.forbidding = [mark for mark in self.marks if not mark.must]
        self._known = {mark.id: mark for mark in self.marks}
        self._said_to = [s for mark in self.forbidding for s in mark.input_statements]
        self._neutral = data("neutral")["prompts"]
        shipped = {rule.id: rule.statement for name in names() for rule in load(name).rules}
        for key, ids in SHIPPED.items():
            # A dozen times, because these are what most people will ask.
            self._harm[key] = [*self._harm[key], *[shipped[id] for id in ids if id in shipped] * 12]

    def neutral(self) -> str:
        return str(self._draw.choice(self._neutral))

    def request(self, label: int, *, kind: str | None = None) -> Mapping[str, int]:
        """A user's turn that asks for harm, or does not."""
        said = {**self.some("request", label, 2), **self.some("toxic_request", label, 1)}
        if kind in self._harm["specific"]:
            said[self._draw.choice(self._harm["specific"][kind]["requests"])] = label
        elif not label:
            said[self._specific("requests")] = 0
        return self._mixed({**said, **self.some("injection", 0, 1)}, self._said_to)

    def rude(self, label: int) -> Mapping[str, int]:
        """A user's turn that insults or hates, or does not."""
        said = {**self.some("rude_request", label, 2), **self.some("toxic_request", label, 1)}
        if self._draw.random() < 0.5:
            said |= self.some("injection", 0, 1)
        return self._mixed(said, self._said_to)

    def anything(self, label: int) -> Mapping[str, int]:
        """A user's turn that a moderator would stop, or not."""
        return self._mixed(self.some("toxic_request", label, 2), self._said_to)

    def injection(self, label: int) -> Mapping[str, int]:
        """A user's turn that tries to change the rules, or does not."""
        said = {**self.some("injection", label, 2), **self.some("rude_request", 0, 1)}
        return self._mixed(said, self._said_to)

    def innocent(self) -> Mapping[str, int]:
        """A user's turn that asks for nothing bad."""
        keys = ("request", "rude_request", "toxic_request", "injection")
        return self._mixed({s: 0 for key in keys for s in self.some(key, 0, 1)}, self._said_to)

    def harm(self, label: int, *, kind: str | None = None) -> Mapping[str, int]:
        """A reply that helps to do harm, or does not."""
        said = {**self.some("harmless", label, 2), **self.some("safe", label, 1)}
        if kind in self._harm["specific"]:
            said[self._draw.choice(self._harm["specific"][kind]["statements"])] = label
        elif not label:
            said[self._specific("statements")] = 0
        return self._mixed(said, self._statements())

    def unsafe(self, label: int) -> Mapping[str, int]:
        """A reply that is bad in one way or another, or is not."""
        said = {**self.some("safe", label, 2), **self.some("harmless", label, 1)}
        return self._mixed(said, self._statements())

    def disrespect(self, label: int) -> Mapping[str, int]:
        """A reply that insults or hates, or does not."""
        said = {**self.some("respectful", label, 2), **self.some("safe", label, 1)}
        return self._mixed(said, self._statements())

    def unhelpful(self, label: int) -> Mapping[str, int]:
        """A reply that does not do what was asked, or does."""
        return self._mixed({**self.some("helpful", label, 2), **self.some("harmless", 0, 1)}, self._statements())

    def dishonest(self, label: int) -> Mapping[str, int]:
        """A reply that claims what cannot be known, or does not."""
        return self._mixed({**self.some("honest", label, 2), **self.some("harmless", 0, 1)}, self._statements())

    def good(self) -> Mapping[str, int]:
        """A reply with nothing wrong about it."""
        keys = ("harmless", "respectful", "safe", "helpful", "honest")
        return self._mixed({s: 0 for key in keys for s in self.some(key, 0, 1)}, self._statements(), 1)

    def kept(self, count: int) -> Mapping[str, int]:
        """Statements about harm that a harmless reply keeps."""
        keys = self._draw.sample(("harmless", "respectful", "safe", "honest"), count)
        return {s: 0 for key in keys for s in self.some(key, 0, 1)}

    def some(self, key: str, label: int, count: int) -> Mapping[str, int]:
        """Statements from a list of harm.yaml; of those that name some kinds only, none that is said to be broken."""
        known = [said for said in self._harm[key] if not (label and said in self._narrow)]
        return dict.fromkeys(self._draw.sample(known, count), label)

    def about(self, mark: str) -> str:
        """A statement that forbids what the mark with this id does."""
        return str(self._draw.choice(list(self._known[mark].statements)))

    def specifically(self, kind: str, side: str = "statements") -> str:
        """A statement that forbids one kind of harm."""
        return str(self._draw.choice(self._harm["specific"][kind][side]))

    def _specific(self, side: str) -> str:
        kinds = self._harm["specific"]
        return str(self._draw.choice(kinds[self._draw.choice(sorted(kinds))][side]))

    def _statements(self) -> list[str]:
        return list(self._draw.choice(self.forbidding).statements)

    def _mixed(self, said: Mapping[str, int], others: Sequence[str], count: int = 1) -> Mapping[str, int]:
        """With a few statements about something else, which are kept."""
        some = [s for s in self._draw.sample(list(others), min(count, len(others))) if s not in said]
        labels = [*said.items(), *((s, 0) for s in some)]
        self._draw.shuffle(labels)
        return dict(labels)


SHIPPED = {
    "harmless": ("harmless", "no-harm", "no-malware"),
    "respectful": ("respectful", "equal-value"),
    "rude_request": ("respectful-request",),
    "toxic_request": ("acceptable-request",),
    "helpful": ("helpful",),
    "honest": ("honest",),
}
"""Rules of the shipped manifestos that mean what a list of statements means."""
