from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.exchange import Source
from critics.grounded.provenance import standings
from critics.manifesto.schema import Grounded


def source(kind: str = "", published: str = "") -> Source:
    return Source("x", published=published, kind=kind)


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        (source("peer-reviewed", "2020"), source("textbook", "2020")),
        (source("Peer Reviewed", "2020"), source("textbook", "2020")),
        (source("forum", "2020"), source("", "2020")),
        (source("forum", "2020"), source("rumour", "2020")),
        (source("news", "2020"), source("news", "2019-12-31")),
        (source("news", "2020-03"), source("news", "2020-02-28T10:00:00Z")),
        (source("news", "2020"), source("news", "")),
        (source("news", "1950"), source("news", "last year")),
        (source("peer-reviewed", "2011"), source("textbook", "2020")),
        (source("textbook", "2020"), source("peer-reviewed", "2009")),
        (source("textbook"), source("news")),
    ],
)
def test_kind_and_date_decide_which_source_stands_higher(higher: Source, lower: Source) -> None:
    """A kind is worth ten years; what is missing is worth least."""
    first, second = standings([higher, lower], Grounded())
    assert first > second


def test_the_rule_says_which_kinds_and_how_many_years() -> None:
    old_paper, new_post = source("paper", "1990"), source("post", "2020")
    short, long = (Grounded(kinds=("paper", "post"), half_life=years) for years in (5.0, 50.0))
    assert standings([old_paper, new_post], short)[0] < standings([old_paper, new_post], short)[1]
    assert standings([old_paper, new_post], long)[0] > standings([old_paper, new_post], long)[1]


@given(st.lists(st.builds(Source, st.just("x"), published=st.text(), kind=st.text()), max_size=5))
def test_any_tags_can_be_weighed(sources: list[Source]) -> None:
    """Nobody's metadata stop a fact check."""
    assert len(standings(sources, Grounded())) == len(sources)
