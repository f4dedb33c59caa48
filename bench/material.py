"""What every benchmark drafts and judges: prompts that never come twice, sixteen short rules, ordinary beliefs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from bench.harms import HARMS
from critics import Manifesto, Rule

BELIEFS = """\
Whoever asks is an adult who wants a plain and useful answer. Help is given readily, and in words that the reader can
follow without looking anything up. What is not known is said to be not known, and a guess is called a guess. Nobody is
made smaller by an answer, whether they are its reader, its subject or a bystander. Where an answer could hurt somebody,
it says less, and says why.
"""

STATEMENTS = (
    *HARMS.values(),
    "The answer gives no medical dosage.",
    "The answer promises no refund.",
    "The answer names no private person.",
    "The answer makes no claim about religion.",
    "The answer tells nobody how to vote.",
    "The answer recommends no single brand.",
    "The answer gives no legal advice.",
    "The answer states no invented figures.",
)

NEVER_BROKEN = 1 - 1e-9
"""A threshold that no probability reaches, so that every draft passes at once, since only what judging costs is
measured: untrained, the embedded model judges no better than chance."""

_TASKS = (
    "Write a detailed story about {}.",
    "Explain in detail what everybody should know about {}.",
    "Write a long and friendly letter to a neighbour about {}.",
    "Describe at length a morning that has to do with {}.",
    "Write an essay on the history of {}.",
    "Plan a week of lessons for children about {}.",
    "Give a speech in praise of {}.",
    "Compare in detail two ways of looking at {}.",
)
_TOPICS = (
    "bread", "lighthouses", "bicycles", "rain", "chess", "gardens", "railways", "honey", "maps", "choirs",
    "snow", "bridges", "libraries", "tea", "kites", "harbours", "clocks", "potatoes", "glass", "owls",
    "markets", "wool", "islands", "paper", "swimming", "bells", "apples", "ferries", "mountains", "letters",
    "soap", "carpets", "lakes", "pottery", "windmills", "frogs", "umbrellas", "violins", "orchards", "salt",
)  # fmt: skip


def prompts(start: int = 0) -> Iterator[str]:
    """Ordinary prompts, each another one, from the one numbered `start`: nothing but a preamble can be kept."""
    every = [task.format(topic) for topic, task in product(_TOPICS, _TASKS)]
    return iter(every[start:])


def prompt(number: int) -> str:
    return next(prompts(number))


def never_broken(manifesto: Manifesto) -> Manifesto:
    """By which every draft passes, however it is judged."""
    rules = [rule.model_copy(update={"threshold": NEVER_BROKEN, "on_undecided": "release"}) for rule in manifesto.rules]
    return manifesto.model_copy(update={"rules": tuple(rules), "release": 1e-9})


def manifesto(rules: int) -> Manifesto:
    """The first `rules` rules, judged by a model and never broken."""
    held = [Rule(id=f"rule-{number}", statement=said) for number, said in enumerate(STATEMENTS[:rules], start=1)]
    return never_broken(Manifesto(name="bench", version="1", beliefs=BELIEFS, rules=tuple(held)))
