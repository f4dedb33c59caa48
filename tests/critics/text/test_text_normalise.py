from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics.text.normalise import MAX_MARKS, normalise, typed, visible

# Characters that have something to do with one another, so that short texts meet in the places that are hard.
TRICKY = st.text(
    st.sampled_from(
        list("abcoTe1 \n\t\r.'-_")
        + list("\u0430\u043e\u0435\u0451\u0439\u0416\u03bf\u03ac\u03ca\u1fb3\u0561\u13aa\u0261\u0131")
        + list("\u00e9\u00df\ufb01\u2026\u00bd\uff41\uff1c\u2124\ufdfa\u0344\u1e9b\u212b\u0958\u0345")
        + list("\u0301\u0316\u0323\u0308\u093f\u09be\u0bbe\u3099\uff9e\u20e3\u0338")
        + list("\u1100\u1161\u11a8\uac00\uffc2\u3131\u3164\uffa0\u115f")
        + list("\u200b\u200c\u200d\u00ad\u034f\u202e\u2066\ufeff\ufe0f\u180b\U000e0041\U000e0100\x00\x85\u2028")
        + list("\u0640\u0627\u0653\u064e\ufe77\u03f2\u03f9\u03c2")
        + list("\u0305\u0332\u0336\u20dd\u20e3\u1d00\u029c\u026a\U0001f170\U0001f157")
        + list("\U0001f1e9\U0001f1ea\U0001f1f9\U0001f1fa\U0001f1f8")
        + list("\u00a0\u3000\u2003\u2800\u1680\ud800\udc00\U0001f600\U0001f3f4\U00016d67")
    ),
    max_size=24,
)
ANY = st.text(st.characters(), max_size=60)


@given(TRICKY | ANY)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    """The normal form of a normal form is itself."""
    once = normalise(text).text
    assert normalise(once).text == once


@pytest.mark.parametrize("before", ["", "a", "\u0430"])
def test_no_character_has_another_normal_form_the_second_time(before: str) -> None:
    """Of all that are assigned, each by itself and behind a letter."""
    assigned = (char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) not in ("Cn", "Co"))
    once = normalise("\n".join(before + char for char in assigned)).text
    again = normalise(once).text
    assert [pair for pair in zip(once.split("\n"), again.split("\n"), strict=True) if pair[0] != pair[1]] == []


def test_what_is_typed_otherwise_is_as_in_the_normal_form() -> None:
    """Of all characters, each by itself: punctuation and spaces of prose, no letter but an apostrophe that counts as
    one, and nothing that cannot be seen."""
    changed = [char for char in map(chr, range(sys.maxunicode + 1)) if typed(char) != char]
    assert [typed(char) for char in changed] == [normalise(char).text for char in changed]
    assert [char for char in changed if unicodedata.category(char)[0] not in "PZS"] == ["\u02bc"]


@given(TRICKY | ANY)
def test_offsets_lead_back_into_the_original(text: str) -> None:
    """There is an offset for each character and the end; they rise, and the last is the original's length."""
    normal = normalise(text)
    assert len(normal.offsets) == len(normal.text) + 1
    assert list(normal.offsets) == sorted(normal.offsets)
    assert all(0 <= offset < len(text) for offset in normal.offsets[:-1])
    assert normal.offsets[-1] == len(text)


@given(TRICKY | ANY)
def test_the_normal_form_can_be_encoded(text: str) -> None:
    """Whatever surrogates a text holds, its normal form is valid UTF-8."""
    assert normalise(text).text.encode("utf-8").decode("utf-8") == normalise(text).text


@given(TRICKY | ANY)
def test_what_is_released_is_what_was_judged(text: str) -> None:
    """Taking out the invisible first makes no difference to the normal form."""
    assert normalise(visible(text)).text == normalise(text).text


@given(TRICKY, st.data())
def test_a_span_covers_what_its_characters_came_from(text: str, data: st.DataObject) -> None:
    """The normal form of the original's part, when composed alone, still holds the characters asked for."""
    normal = normalise(text)
    start = data.draw(st.integers(0, len(normal.text)))
    end = data.draw(st.integers(start, len(normal.text)))
    span = normal.span(start, end)
    assert 0 <= span.start <= span.end <= len(text)
    assert (span.start < span.end) == (start < end)


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("Cer\u200btain\u2060ly", "Certainly"),
        ("cer\u00adtainly", "certainly"),
        ("p\u0430yp\u0430l", "paypal"),
        ("\u0421ertainly", "Certainly"),
        ("g\u03bf\u03bfgle", "google"),
        ("\u13b3indo\u13da", "WindoS"),
        ("\uff23\uff45\uff52tainly", "Certainly"),
        ("\U0001d402ertainly", "Certainly"),
        ("Cer\U000e0074\U000e0061tainly", "Certainly"),
        ("Cer\u202etainly\u202c", "Certainly"),
        ("Cer\ufe0ftainly", "Certainly"),
        ("a\u00a0b\u3000c\u2009d\u2800e", "a b c d e"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("a\x00\x1b\x7fb\tc", "ab\tc"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("x\ud800y", "x\ufffdy"),
        ("h\u0336a\u0336t\u0332e\u0338", "hate"),
        ("h\u20dda\u20e0t\u0335\u0336e\u0301\u0336", "hat\u00e9"),
        ("1\ufe0f\u20e3 \u338f\u0336", "1 kg"),
        ("\u029c\u1d00\u1d1b\u1d07 h\u1d00te", "hate hate"),
        ("\U0001f177\U0001f170\ufe0f\U0001f183\U0001f174 \U0001f157\u0301", "HATE H\u0301"),
        ("\U0001f1ed\U0001f1e6\U0001f1f9\U0001f1ea \U0001f1ed\u200b\U0001f1e6", "HATE HA"),
        ("4111\u207b1111\u208b1111\ufe321111, \u0149", "4111-1111-1111-1111, 'n"),
        ("don\u2019t be a game\u2011changer, 1\u20132", "don't be a game-changer, 1-2"),
    ],
)
def test_a_disguise_is_taken_off(disguised: str, plain: str) -> None:
    """Invisible characters, letters of other scripts, wide and mathematical forms become plain text."""
    assert normalise(disguised).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
        "\u041e\u043d \u0441\u043a\u0430\u0437\u0430\u043b hello \u0438 \u0443\u0448\u0451\u043b",
        "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1",
        "\u0131\u015f\u0131k \u015feker",
        "\u4f60\u597d \u4e16\u754c",
    ],
)
def test_a_word_wholly_in_its_own_script_is_left_alone(text: str) -> None:
    """Russian, Greek, Turkish and Chinese words are no disguise, even next to English ones."""
    assert normalise(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "a \u2260 b, a \u226f b, \u2190\u0338",
        "\u1e0f\u1e2b, k\u0331\u02b7",
        "\U0001f1fa\U0001f1f8, \U0001f1e9\U0001f1ea\U0001f1e6\U0001f1e9",
        "\U0001f18e \U0001f197",
    ],
)
def test_what_is_no_letter_under_a_stroke_or_in_a_box_is_left_alone(text: str) -> None:
    """Crossed-out signs, lines that languages spell with, and flags, however many stand together."""
    assert normalise(text).text == unicodedata.normalize("NFKC", text)


def test_an_accented_lookalike_keeps_its_accent() -> None:
    """Cyrillic io in a Latin word becomes e with a diaeresis, composed or not."""
    assert normalise("No\u0451l").text == normalise("No\u0435\u0308l").text == "No\u00ebl"


def test_a_span_takes_in_the_invisible_characters_inside() -> None:
    """The range of a word with zero widths in it is the range of what hides it."""
    text = "Say: Cer\u200b\u200btainly!"
    normal = normalise(text)
    start = normal.text.index("Certainly")
    assert text[slice(*normal.span(start, start + 9))] == "Cer\u200b\u200btainly"


def test_a_span_holds_whole_characters_of_the_original() -> None:
    """Half of a ligature is the whole ligature, and a letter takes its marks along."""
    normal = normalise("e\ufb01 o\u0301.")
    assert normal.text == "efi \u00f3."
    assert normal.span(1, 2) == normal.span(2, 3) == (1, 2)
    assert normal.span(4, 5) == (3, 5)
    assert normal.span(4, 4) == (3, 3)


def test_heaps_of_marks_are_cut() -> None:
    """A letter keeps as many combining marks as the stream-safe form allows."""
    assert normalise("a" + "\u0316" * 500 + "b").text == "a" + "\u0316" * MAX_MARKS + "b"


@pytest.mark.parametrize(
    "unit",
    [
        "hello ",
        "it\u2019s ",
        "p\u0430y ",
        "\u4e2d",
        "a\u0301\u0316",
        "\u0301\u0316",
        "\u200b",
        "\u1161",
        "\ufdfa",
        "h\u0336",
        "\U0001f1ed",
    ],
)
def test_long_texts_are_quick(unit: str) -> None:
    """A hundred thousand characters, even malicious ones, take well under a second."""
    text = unit * (100_000 // len(unit))
    began = time.thread_time()
    normalise(text)
    visible(text)
    assert time.thread_time() - began < 2.0
