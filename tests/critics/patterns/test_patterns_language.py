from __future__ import annotations

import subprocess
import sys

import pytest

from critics.patterns.language import _KNOWN, _identifier, foreign, knows_language, language

TEXTS = {
    "en": "The capital of France is Paris, and about two million people live there.",
    "de": "Die Hauptstadt von Frankreich ist Paris, und dort leben etwa zwei Millionen Menschen.",
    "fr": "La capitale de la France est Paris, et environ deux millions de personnes y vivent.",
    "ru": "Столица Франции — Париж, там живёт два миллиона человек.",
    "ja": "フランスの首都はパリで、約二百万人がそこに住んでいます。",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_language_is_told_from_the_others(code: str) -> None:
    """A sentence is at home in its own language and foreign in each other."""
    assert language(TEXTS[code]) == code
    assert foreign(TEXTS[code], [code]) < 0.1
    assert all(foreign(TEXTS[code], [other]) > 0.9 for other in TEXTS if other != code)


def test_any_of_several_languages_will_do() -> None:
    """A text is foreign only if it is in none of those allowed."""
    assert foreign(TEXTS["de"], ["en", "de"]) < 0.1


@pytest.mark.parametrize(
    ("text", "allowed", "passes"),
    [
        ("OK, sure.", ["de"], True),
        ("D'accord", ["en"], True),
        ("\u0414\u0430", ["en"], False),
        ("\u0414\u0430", ["uk"], True),
        ("\u4f60\u597d", ["en"], False),
        ("\u8bf7\u7528 Python", ["zh"], True),
        ("Python", ["zh"], False),
        ("\u3053\u3093\u306b\u3061\u306f", ["ja"], True),
    ],
)
def test_a_short_text_is_judged_by_its_script(text: str, allowed: list[str], passes: bool) -> None:
    """Too few letters tell no languages apart, but scripts."""
    assert (foreign(text, allowed) < 0.5) == passes
    assert language(text) is None


@pytest.mark.parametrize("text", ["", "42 + 1 = 43", "!!!", "\U0001f600"])
def test_a_text_without_letters_is_in_every_language(text: str) -> None:
    """Numbers and signs belong to all."""
    assert foreign(text, ["en"]) == 0.0


def test_an_unknown_script_is_foreign_however_long() -> None:
    """A text in Cherokee, which the detector never saw, does not pass as anything else."""
    assert foreign("\u13e3\u13b3\u13a9 \u13a6\u13ec\u13c2\u13af\u13cd\u13d7 " * 20, ["en", "zh"]) == 1.0


def test_capitals_and_endless_texts_are_no_obstacle() -> None:
    """Shouting is still English, and counts do not overflow."""
    assert foreign(TEXTS["en"].upper(), ["en"]) < 0.1
    assert foreign(TEXTS["en"] * 2_000, ["en"]) < 0.1


def test_a_text_that_the_detector_makes_nothing_of_is_judged_by_its_script() -> None:
    """One endless letter is in no language, and in each that is written with it."""
    assert foreign("e" * 5_000, ["en"]) == 0.0
    assert foreign("e" * 5_000, ["ru"]) == 1.0
    assert language("e" * 5_000) is None


def test_a_text_that_changes_its_language_is_foreign_in_part() -> None:
    """The probability follows the share of the text that is in another language."""
    english, german = TEXTS["en"] * 50, TEXTS["de"] * 50
    assert 0.35 < foreign(english + german, ["en"]) < 0.65
    assert foreign(german * 4 + english, ["en"]) > 0.7


def test_languages_that_the_detector_confuses_are_allowed_together() -> None:
    """Where Norwegian is allowed, Bokmål is no breach."""
    text = "Jeg vet ikke hva jeg skal si, men jeg kan hjelpe deg med å finne noe fint."
    assert foreign(text, ["nb"]) < 0.5
    assert foreign(text, ["no"]) < 0.5


def test_a_language_that_the_detector_does_not_know_is_an_error() -> None:
    """It could only ever be called foreign."""
    with pytest.raises(ValueError, match="does not know ti"):
        foreign("anything", ["en", "ti"])


def test_the_languages_that_are_known_are_the_detectors() -> None:
    """They are written down, since to ask it takes the better part of a second."""
    assert _KNOWN.split() == sorted(label for label in _identifier().labels if len(label) == 2)
    assert [code for code in ("nb", "id", "ti", "zz") if knows_language(code)] == ["nb", "id"]


def test_the_detector_is_loaded_only_when_it_is_needed() -> None:
    """Importing the module does not import py3langid and its model."""
    program = "import sys, critics.patterns.language; sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
