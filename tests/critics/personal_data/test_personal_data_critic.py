"""What the critic says of what it found, and what mending makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from critics.critic import Critic
from critics.errors import CriticsError
from critics.exchange import Exchange, Message
from critics.finding import Finding
from critics.manifesto.schema import PersonalData, Rule
from critics.personal_data import PersonalDataCritic
from critics.personal_data.windows import OVERLAP, SIZE

CRITIC: Critic = PersonalDataCritic()


def rule(name: str = "r", **options: Any) -> Rule:
    return Rule(id=name, statement="No data.", personal_data=PersonalData(**options) if options else None)


def judged(text: str, **options: Any) -> Finding:
    return CRITIC(Exchange((), text), [rule(**options)])[0]


def mended(text: str, finding: Finding) -> str:
    for span, mend in reversed(list(zip(finding.spans, finding.mend, strict=True))):
        text = text[: span.start] + mend + text[span.end :]
    return text


def test_a_clean_text_passes() -> None:
    """Nothing found is a probability of 0, no span and no critique."""
    assert judged("Water boils at 100 degrees.") == Finding(rule="r", critic="personal-data", probability=0.0)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text_passes(text: str) -> None:
    """No text has no personal data."""
    assert judged(text).probability == 0.0


def test_mending_puts_a_placeholder_for_each_find() -> None:
    """Spans and mends belong together, in order of place."""
    text = "Write to jane@example.com or call +49 30 901820; pay 4111 1111 1111 1111."
    assert mended(text, judged(text)) == "Write to [email] or call [phone]; pay [card]."


def test_the_critique_names_the_find_without_repeating_it() -> None:
    """Kind and place are told; the data are masked."""
    critique = judged("Mail jane@example.com from 192.168.0.17.").critique
    assert critique == (
        "The text contains an e-mail address (j…@e….com) at character 5 and an IP address (1…7) at character 27."
    )


def test_a_long_list_is_cut_in_the_critique_and_not_in_the_spans() -> None:
    """Ten finds are told one by one; every find has its span."""
    finding = judged(" ".join(f"p{n}@example.com" for n in range(13)))
    assert finding.critique.endswith("and 3 more.")
    assert len(finding.spans) == 13


def test_overlapping_finds_are_one_span_named_for_the_surest() -> None:
    """A number that is both a phone and, by its checksum, an NHS number is mended once."""
    text = "It is 415 555 2604 here, +44 20 7946 0958 there."
    finding = judged(text, entities=("phone", "uk-nhs"))
    assert mended(text, finding) == "It is [uk-nhs] here, [phone] there."


def test_only_the_kinds_asked_for_are_found() -> None:
    """An address is none of the business of a rule about cards."""
    assert judged("jane@example.com", entities=("card",)).spans == ()


def test_each_rule_is_judged_by_its_own_options() -> None:
    """One call, two rules, two findings, in the rules' order."""
    found = CRITIC(Exchange((), "jane@example.com"), [rule("a", entities=("ip",)), rule("b")])
    assert [(finding.rule, finding.probability) for finding in found] == [("a", 0.0), ("b", 1.0)]


def test_without_a_draft_the_users_turn_is_judged() -> None:
    """A rule on the input sees what the user wrote last."""
    exchange = Exchange((Message("user", "I am jane@example.com"),))
    assert CRITIC(exchange, [rule()])[0].spans == ((5, 21),)


@pytest.mark.parametrize(
    ("text", "allow"),
    [
        ("Mail Jane@Example.com.", " jane@example.COM "),
        ("On 127.0.0.1.", "127.0.0.1"),
        ("(415) 555-2671", "415.555.2671"),
    ],
)
def test_an_allowed_value_may_occur(text: str, allow: str) -> None:
    """Case and outer spaces do not matter, and of a phone number only the digits do."""
    assert judged(text, allow=(allow,)).spans == ()


def test_a_part_of_an_allowed_value_may_occur_in_it() -> None:
    """The domain of an allowed address is no web address by itself."""
    assert judged("jane@example.com", entities=("email", "url"), allow=("jane@example.com",)).spans == ()


@pytest.mark.parametrize("text", ["mary.jane@example.com", "jane@example.com.au"])
def test_a_longer_value_is_not_allowed_by_a_shorter_one(text: str) -> None:
    """Allowed is exactly the value, not what contains it."""
    assert judged(text, allow=("jane@example.com",)).spans == ((0, len(text)),)


def test_the_score_decides_how_sure_a_find_must_be() -> None:
    """A phone number without a word before it is too unsure for 0.7, and sure enough with one."""
    assert judged("(415) 555-2671", score=0.7).spans == ()
    assert judged("Phone: (415) 555-2671", score=0.7).spans != ()


def test_the_regions_decide_whose_national_numbers_count() -> None:
    """A London number is one to GB, and not to US."""
    assert judged("020 7946 0958", entities=("phone",), regions=("US",)).spans == ()
    assert judged("020 7946 0958", entities=("phone",), regions=("GB",)).spans != ()


def test_an_unknown_region_is_an_error() -> None:
    """A region that no number has would otherwise pass everything."""
    with pytest.raises(CriticsError, match="UK"):
        judged("020 7946 0958", regions=("UK",))


@pytest.mark.parametrize("at", [SIZE - OVERLAP - 10, SIZE - OVERLAP, SIZE - 10, SIZE - 1, SIZE, 2 * SIZE, 1_200_000])
@pytest.mark.parametrize("data", ["jane@example.com", "+49 30 901820", "4111 1111 1111 1111"])
def test_a_long_text_is_judged_whole(at: int, data: str) -> None:
    """Wherever it stands, also across the edge of a piece, it is found once and whole."""
    text = ("word " * (at // 5 + 1))[: at - 1] + " " + data + " word" * 3000
    assert judged(text).spans == ((at, at + len(data)),)


def test_a_number_cut_by_a_piece_is_not_taken_for_another() -> None:
    """A run of 4111 1111 1111 1111 within more digits is no card, also where a piece ends in it."""
    text = " " * (SIZE - 16) + "4111111111111111" + "0" * 50 + " " * SIZE
    assert judged(text, entities=("card",)).spans == ()
