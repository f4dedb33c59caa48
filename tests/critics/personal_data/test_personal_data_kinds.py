"""Each kind of data is found where its form and its checksum are right, and only there."""

from __future__ import annotations

from typing import get_args

import pytest

from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import Entity, PersonalData, Rule
from critics.personal_data import PersonalDataCritic
from critics.personal_data.kinds import KINDS

# Published specimens and test numbers; none belongs to anyone.
GOOD: dict[Entity, tuple[str, ...]] = {
    "email": ("jane@example.com", "j.o'neil+news@mail.example.co.uk"),
    "phone": ("+49 30 901820", "(415) 555-2671", "415-555-2671", "020 7946 0958", "01 42 68 53 00", "030 901820"),
    "card": ("4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"),
    "iban": ("GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"),
    "ip": ("192.168.0.1", "2001:db8::1", "127.0.0.1", "::1"),
    "mac": ("00:1A:2B:3C:4D:5E",),
    "url": ("https://example.com/a?b=c", "http://localhost:80/x", "www.example.org", "example.community"),
    "crypto": ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    "date": ("2024-05-12", "12.05.2024", "05/12/2024"),
    "medical-license": ("AB1234563",),
    "us-ssn": ("219-09-9999",),
    "us-itin": ("912-70-1234",),
    "us-mbi": ("1EG4-TE5-MK73",),
    "uk-nhs": ("943 476 5919",),
    "uk-nino": ("AB123456C", "AB 12 34 56 C"),
    "uk-driving-licence": ("MORGA657054SM9IJ",),
    "au-abn": ("51 824 753 556",),
    "au-medicare": ("2123 45670 1",),
    "au-tfn": ("876 543 210",),
    "ca-sin": ("130-692-544",),
    "de-health-insurance": ("A123456780",),
    "de-social-security": ("15070649C103",),
    "de-tax-id": ("86095742719",),
    "es-nie": ("X1234567L",),
    "es-nif": ("12345678Z",),
    "fi-hetu": ("131052-308T",),
    "in-aadhaar": ("2341 2341 2346", "234123412346"),
    "it-fiscal-code": ("RSSMRA85T10A562S",),
    "kr-rrn": ("960121-1234567",),
    "ng-nin": ("70102030403",),
    "pl-pesel": ("44051401359",),
    "se-personnummer": ("811218-9876",),
    "sg-nric": ("S1234567D",),
    "th-id": ("1101700207030",),
    "tr-id": ("10000000146",),
    "za-id": ("8001015009087",),
}

NEAR: dict[Entity, tuple[str, ...]] = {
    "email": ("user@localhost", "@jane", "a@b", "jane@example.invalid"),
    "card": ("4111 1111 1111 1112", "4111 1111"),
    "iban": ("GB82 WEST 1234 5698 7654 33", "DE89370400440532013001"),
    "ip": ("192.168.0.256", "1.2.3", "version 1.2.3.4", "1.3.6.1.4.1", "A::B", "12:30:45", "pkg==1.2.3.4", "120.0.0.0"),
    "mac": ("00:1A:2B:3C:4D",),
    "url": ("main.py", "README.md", "obj.name_of", "e.g. this", "jane@example.com"),
    "crypto": ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",),
    "date": ("2024", "99-99-2024"),
    "medical-license": ("AB1234564",),
    "us-ssn": ("219099999", "219-00-9999"),
    "us-itin": ("812-70-1234",),
    "uk-nhs": ("943 476 5918",),
    "uk-nino": ("QQ 12 34 56 C",),
    "au-abn": ("51 824 753 557",),
    "au-medicare": ("2123 45671 1",),
    "au-tfn": ("876 543 211",),
    "ca-sin": ("130-692-545",),
    "de-health-insurance": ("A123456781",),
    "de-social-security": ("15070649C104",),
    "de-tax-id": ("86095742718",),
    "es-nie": ("X1234567A",),
    "es-nif": ("12345678A",),
    "fi-hetu": ("131052-308A",),
    "in-aadhaar": ("2341 2341 2347",),
    "it-fiscal-code": ("RSSMRA85T10A562A",),
    "ng-nin": ("70102030404",),
    "pl-pesel": ("44051401358", "9944051401359"),
    "se-personnummer": ("811218-9875",),
    "th-id": ("1101700207031",),
    "tr-id": ("10000000147",),
    "za-id": ("8001015009088",),
    "phone": (
        *("2024-05-12", "12.05.2024", "3/10/2011 08:15", "10:00-12:00", "in 1999", "2019-2024", "room 2024"),
        *("$1,250,000.00", "12 345 678 901", "3.14159265358979", "0.4155552671", "40.7128, -74.0060"),
        *("call 112", "call 911", "ISO 8601-1:2019", "978-3-16-148410-0", "ISBN 0306406152", "10.1000/182"),
        *("4155552671", "x = 1716200000", "the number 2147483647", "1 2 3 4 5 6 7 8 9 10", "0 1 2 3 4 5 6 7 8 9"),
        *("4111 1111 1111 1111", "192.168.0.1", "550e8400-e29b-41d4-a716-446655440000"),
    ),
}


def judged(text: str, *kinds: Entity) -> Finding:
    rule = Rule(id="r", statement="No data.", personal_data=PersonalData(entities=kinds))
    return PersonalDataCritic()(Exchange((), text), [rule])[0]


def test_every_kind_that_a_manifesto_may_name_has_a_recogniser_and_a_specimen() -> None:
    """No entity of the schema is without an implementation, nor without a test."""
    assert set(KINDS) == set(get_args(Entity)) == set(GOOD)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_true_data_is_found_whole(kind: Entity, text: str) -> None:
    """A specimen in a sentence is one find, over exactly its characters."""
    finding = judged(f"It is {text} indeed.", kind)
    assert finding.probability == 1.0
    assert finding.spans == ((6, 6 + len(text)),)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in NEAR.items() for text in texts])
def test_what_only_resembles_the_data_is_left_alone(kind: Entity, text: str) -> None:
    """A wrong checksum, a date, a price, a version or a plain number is no find."""
    assert judged(f"It is {text} indeed.", kind).spans == ()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "call 4155552671"),
        ("phone", "Tel.: 4155552671"),
        ("phone", "Telefon 4155552671"),
        ("us-ssn", "social security no. 219099999"),
        ("us-ssn", "SSNs: 219099999"),
    ],
)
def test_a_word_before_it_tells_what_a_plain_number_is(kind: Entity, text: str) -> None:
    """Digits that are too little by themselves are a find after a word that names them."""
    assert judged(text, kind).probability == 1.0
