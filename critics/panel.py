"""Many critics as one: each rule goes to the critics that it names, and whatever goes wrong is *undecided*."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

from critics.calibration import calibrated, in_own_terms
from critics.cascade import settles
from critics.critic import Critic
from critics.deadline import within
from critics.exchange import Exchange
from critics.finding import Finding, undecided
from critics.follow import Follow, following
from critics.manifesto.schema import Rule


class Panel:
    """A critic made of named critics. Never raises for what a critic does, and gives every rule at least one finding.

    The critics of a rule with `open_between` are asked one after another, until one settles it. Each critic is called
    once, with all its rules, unless two rules name the same ones in opposite orders.
    `seconds` is how long each critic may take for all its rules. One that takes longer is left behind in a daemon
    thread and its rules are undecided; `None` waits for ever, in the caller's own thread.
    """

    def __init__(self, critics: Mapping[str, Critic], *, seconds: float | None = 60.0) -> None:
        self._critics = dict(critics)
        self._seconds = seconds

    def wrapped(self, wrap: Callable[[str, Critic], Critic]) -> Panel:
        """The same panel with something around each critic, which is told by its name."""
        return Panel({name: wrap(name, critic) for name, critic in self._critics.items()}, seconds=self._seconds)

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        found: list[Finding] = []
        waiting = [(rule, list(dict.fromkeys(rule.critics))) for rule in rules]
        while waiting := [(rule, names) for rule, names in waiting if names]:
            name = _next(waiting)
            asked = [(rule, names) for rule, names in waiting if name in _ready(rule, names)]
            given = self._ask(name, exchange, [rule for rule, _ in asked])
            for (rule, names), finding in zip(asked, given, strict=True):
                names.remove(name)
                if settles(rule, finding):
                    names.clear()
            found += given
        return found

    @contextmanager
    def follow(self, exchange: Exchange, rules: Sequence[Rule]) -> Iterator[Follow | None]:
        """Let critics read along that will be asked about a rule whatever the others say."""
        with ExitStack() as stack:
            told = []
            for name, critic in self._critics.items():
                sure = [in_own_terms(rule, name) for rule in rules if name in _ready(rule, rule.critics)]
                follow = stack.enter_context(following(critic, exchange, sure)) if sure else None
                if follow is not None:
                    told.append(follow)
            yield partial(_tell, told) if told else None

    def _ask(self, name: str, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        critic = self._critics.get(name)
        if critic is None:
            return [undecided(rule, name, f"no critic called {name!r} is at hand") for rule in rules]
        try:
            given = within(self._seconds, critic, exchange, [in_own_terms(rule, name) for rule in rules])
            return [_checked(rule, name, given) for rule in rules]
        except Exception as exc:  # noqa: BLE001  # a critic that crashed has judged nothing, and that is a finding
            return [undecided(rule, name, f"{type(exc).__name__}: {exc}") for rule in rules]


def _tell(told: Sequence[Follow], draft: str) -> None:
    for follow in told:
        follow(draft)


def _next(waiting: Sequence[tuple[Rule, Sequence[str]]]) -> str:
    """The critic to ask now: one that will not be needed again later, if there is one."""
    ready = dict.fromkeys(name for rule, names in waiting for name in _ready(rule, names))
    later = {name for rule, names in waiting for name in names if name not in _ready(rule, names)}
    return next((name for name in ready if name not in later), next(iter(ready)))


def _ready(rule: Rule, names: Sequence[str]) -> Sequence[str]:
    """Those of the rule's critics, still to be asked, that may be asked now."""
    return names if rule.open_between is None else names[:1]


def _checked(rule: Rule, name: str, given: Sequence[Finding]) -> Finding:
    """The critic's one finding on the rule; none or two that disagree are undecided."""
    if not all(isinstance(finding, Finding) for finding in given):
        return undecided(rule, name, "the critic gave something else than findings")
    own = [finding for finding in given if finding.rule == rule.id]
    if not own:
        return undecided(rule, name, "the critic said nothing of this rule")
    if len(own) > 1:
        return undecided(rule, name, "the critic contradicted itself: more than one finding on this rule")
    # Under the name that the rule calls it by, whatever it calls itself: calibrations and records go by that.
    return calibrated(rule, replace(own[0], critic=name))
