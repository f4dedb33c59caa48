from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.grounded.facts.facts import Clash, facts
from critics.grounded.passages import Passage
from critics.grounded.weighing import Heard, opinion

CLAIM = facts("The bridge carries trains.")


def heard(nearness: float, *, standing: float = 0.0, clash: bool = False) -> Heard:
    return Heard(Passage("The bridge carries trains.", 0, CLAIM), nearness, standing, Clash() if clash else None)


@given(least=st.floats(0.01, 0.99), nearer=st.floats(-1, 1), further=st.floats(-1, 1))
def test_a_nearer_passage_never_bears_out_less(least: float, nearer: float, further: float) -> None:
    """And at the least nearness that is near, doubt is one half."""
    nearer, further = max(nearer, further), min(nearer, further)
    first, second = (opinion(CLAIM, [heard(n)], [], least=least).probability for n in (nearer, further))
    assert 0 <= first <= second <= 1
    assert opinion(CLAIM, [heard(least)], [], least=least).probability == pytest.approx(0.5)


@given(near=st.floats(0.5, 1))
def test_a_contradiction_is_never_safer_than_a_missing_detail_nor_that_than_support(near: float) -> None:
    """At any nearness; and either breaks a rule."""
    support, missing, contradiction = (
        opinion(CLAIM, [each], nowhere, least=0.5).probability
        for each, nowhere in ((heard(near), []), (heard(near), ["Hale"]), (heard(near, clash=True), []))
    )
    assert support <= 0.5 < missing < contradiction


@given(st.lists(st.builds(heard, st.floats(-1, 1), standing=st.floats(-9, 9), clash=st.booleans()), min_size=1))
def test_some_passage_always_decides(passages: list[Heard]) -> None:
    """Whatever they are, and the one that does is among them."""
    found = opinion(CLAIM, passages, [], least=0.5)
    assert found.decided in passages
    assert 0 <= found.probability <= 1
