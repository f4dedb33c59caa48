"""The promise of every mode, held against random drafts, rules, chunkings, revisions and cancellations: no token that
no critic has passed reaches the caller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critics import (
    DETERMINISTIC,
    Budget,
    Critic,
    Exchange,
    Finding,
    Manifesto,
    Message,
    Rule,
    Span,
    normalise,
    visible,
    weigh,
)
from pipeline import Answer, DraftRequest, Loop, ModelFault, Piece, Pieces
from pipeline.loop import showing

SECRET = re.compile(r"s3[. ]{0,2}[Cc]ret")
RULES = {
    "veto": Rule(id="bad", statement="S.", action="veto", critics=("model",)),
    "revise": Rule(id="sad", statement="S.", advice="Cheer up.", critics=("model",), weight=2),
    "certain": Rule(id="mad", statement="S.", critics=("personal-data",)),
    "flag": Rule(id="one", statement="S.", action="flag", critics=("model",)),
    "redact": Rule(id="mail", statement="S.", action="redact", critics=("personal-data",)),
}
PLAIN = ("one", "two", "Three", "bad", "sad", "mad", "hm", "well", "s3cret", "s3. Cret", "s3", "Cret", "", "e.g.")
ODD = ("e\u200bvil", "👩\u200d🚒", "1\ufe0f\u20e3", "é", "e\u0301", "ﬁn", "\u200b", "字。", "\u200d", "🏴", "\u2800")
WORDS = st.sampled_from(PLAIN + ODD)
JOINTS = st.sampled_from([" ", ". ", ".", "! ", "\n", "\r\n", "  ", "\u2028", ".\u200b ", '." ', " \u200b"])
DRAFTS = st.lists(st.tuples(WORDS, JOINTS), max_size=12).map(lambda pairs: "".join(word + end for word, end in pairs))


@dataclass
class Plan:
    """What goes on in one run; `until` counts down to the moment at which it is cancelled."""

    drafts: list[str]
    cuts: list[int]
    fault: int
    until: int
    answer: Answer | None = None
    cancelled: bool = False
    seen: list[tuple[str, list[Finding]]] = field(default_factory=list)

    def tick(self) -> None:
        """Something has happened: a piece, a critic's call, a part that was shown."""
        self.until -= 1
        if self.until == 0 and self.answer is not None:
            self.cancelled = True
            self.answer.cancel()


class Drafts:
    """Gives the plan's drafts, cut as it says."""

    name = "drafts"

    def __init__(self, plan: Plan, can_continue: bool) -> None:
        self._plan = plan
        self._asked = 0
        self.can_continue = can_continue

    def __call__(self, request: DraftRequest) -> Pieces:
        draft = self._plan.drafts[min(self._asked, len(self._plan.drafts) - 1)]
        self._asked += 1
        assert self.can_continue or not request.continues
        if self._asked == self._plan.fault:
            raise ModelFault("out of order")
        places = sorted({0, len(draft), *(cut for cut in self._plan.cuts if cut < len(draft))})
        for start, end in pairwise(places):
            yield Piece(draft[start:end])
            self._plan.tick()
        yield Piece("", finish="stop")


def opinion(text: str, rule: Rule) -> float | None:
    if rule.id in text:
        return 0.9
    return None if "hm" in text.split()[-1:] else 0.4 if "well" in text else 0.0


def critic(plan: Plan) -> Critic:
    """Judges by words, mends secrets, is undecided about what ends with "hm", and remembers all that it was shown."""

    def judge(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        text = exchange.judged
        places = [Span(*found.span()) for found in SECRET.finditer(text)]
        mends = Finding("mail", "personal-data", float(bool(places)), "", tuple(places), ("[gone]",) * len(places))
        found = [mends if rule.id == "mail" else Finding(rule.id, "c", opinion(text, rule)) for rule in rules]
        plan.seen.append((text, found))
        plan.tick()
        return found

    return judge


@contextmanager
def small() -> Iterator[None]:
    """Sizes at which short drafts have several windows; a secret is shorter than what is waited for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in {"WINDOW": 10, "OVERLAP": 6, "REACH": 10}.items():
            patch.setattr(showing, name, size)
        yield


def passed(plan: Plan, under: Manifesto, text: str, new: int) -> bool:
    """Whether the critics' last word on this text is a pass, by every rule: on all of it, but for costly rules, which
    may have been shown a window that ends it and holds at least its `new` last characters."""
    certain = {rule.id for rule in under.rules if set(rule.critics) & set(DETERMINISTIC)}
    said = {
        finding.rule: finding
        for seen, found in plan.seen
        for finding in found
        if text.endswith(seen) and len(seen) >= (len(text) if finding.rule in certain else new)
    }
    return (
        said.keys() == {rule.id for rule in under.rules} and weigh(under, under.rules, said.values()).outcome == "pass"
    )


def cut(seen: str, shown: str) -> bool:
    """Whether the beginning of a secret was shown whose end was to come."""
    return seen.startswith(shown) and any(m.start() < len(shown) < m.end() for m in SECRET.finditer(seen))


@settings(max_examples=1000)
@given(
    mode=st.sampled_from(["hold", "sentence", "window"]),
    drafts=st.lists(DRAFTS, min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 90), max_size=30),
    names=st.sets(st.sampled_from(sorted(RULES)), min_size=1),
    can_continue=st.booleans(),
    keys=st.fixed_dictionaries(
        {
            "release": st.sampled_from([0.5, 0.7]),
            "on_undecided": st.sampled_from(["withhold", "retry"]),
            "on_exhausted": st.sampled_from(["refusal", "error"]),
            "revision": st.sampled_from(["converse", "rewind"]),
        }
    ),
    attempts=st.integers(1, 4),
    fault=st.sampled_from([0, 0, 0, 2]),
    until=st.one_of(st.just(0), st.integers(1, 40)),
)
def test_nothing_is_shown_that_has_not_passed(
    mode: str,
    drafts: list[str],
    cuts: list[int],
    names: set[str],
    can_continue: bool,
    keys: dict[str, Any],
    attempts: int,
    fault: int,
    until: int,
) -> None:
    """Whatever is shown was, as part of the text so far, given to every rule's critics, and passed."""
    rules = tuple(RULES[name] for name in sorted(names))
    under = Manifesto.model_validate(
        {"name": "m", "version": "1", "rules": rules, "stream": mode, "budget": Budget(attempts=attempts), **keys}
    )
    plan = Plan(drafts, cuts, fault, until)
    with small():
        answer = Loop(Drafts(plan, can_continue), critic(plan), under).stream(Exchange((Message("user", "Write."),)))
        plan.answer = answer
        texts, late = [""], []
        for part in answer:
            if plan.cancelled:
                late.append(part)
            texts.append(texts[-1] + part)
            plan.tick()
    outcome, shown = answer.outcome, answer.shown

    assert texts[-1] == shown
    assert late == []
    assert visible(shown) == shown
    assert "redact" not in names or not SECRET.search(shown)
    assert all(normalise(text).text.strip() for text in texts[1:])
    if "redact" in names and len(outcome.attempts) == 1:
        assert not any(cut(seen, text) for seen, _ in plan.seen for text in texts)
    for before, text in pairwise(texts):
        # A window holds some of what was shown before it.
        new = len(text) - len(before) + 1 if mode == "window" and before else len(text)
        assert passed(plan, under, text, new)
    if outcome.status == "released":
        assert outcome.answer == shown != ""
        assert passed(plan, under, shown, len(shown))
    else:
        assert outcome.shown == shown
        assert outcome.answer in (None, under.refusal)
        assert mode != "hold" or shown == ""
    if plan.cancelled and outcome.status == "withheld":
        assert outcome.stop_reason == "cancelled"


@given(st.lists(DRAFTS, min_size=2, max_size=3))
def test_a_reader_sees_a_draft_grow_at_its_end_only(drafts: list[str]) -> None:
    """What is visible of a beginning is the beginning of what is visible: nothing that was shown would look otherwise
    once more is there."""
    whole = visible("".join(drafts))
    assert whole.startswith(visible(drafts[0]))
