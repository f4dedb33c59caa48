from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import Critic, Exchange, Finding, Message, Rule
from critics.manifesto.schema import Length, Patterns
from critics.patterns import PatternError, PatternsCritic

ZERO_WIDTH = "Cer\u200btain\u200cly"
CYRILLIC = "C\u0435rt\u0430inly"
WIDE = "\uff23\uff45\uff52\uff54\uff41\uff49\uff4e\uff4c\uff59"
TAGGED = "Cert\U000e0061\U000e0062ainly"
HYPHENATED = "Cer\u00adtainly"
STRUCK = "C\u0336e\u0336rt\u0332ai\u20ddnly\u0336"
SMALL = "\u1d04\u1d07\u0280\u1d1b\u1d00\u026a\u0274\u029f\u028f"
BOXED = "\U0001f172\U0001f174\U0001f181\U0001f183\U0001f170\ufe0f\U0001f158\U0001f15d\U0001f15b\U0001f168"
INDICATED = "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in "certainly")


def judge(draft: str, **options: Any) -> Finding:
    rule = Rule(id="rule", statement="It holds.", critics=("patterns",), patterns=Patterns(**options))
    (finding,) = PatternsCritic()(Exchange((Message("user", "Hello."),), draft), [rule])
    return finding


def places(draft: str, finding: Finding) -> list[str]:
    return [draft[slice(*span)] for span in finding.spans]


def test_it_is_a_critic() -> None:
    """It has the one call of the seam, and a name for its findings."""
    critic: Critic = PatternsCritic()
    assert critic(Exchange((), "x"), []) == ()
    assert judge("x", forbid=("y",)).critic == "patterns"


def test_each_rule_gets_its_own_finding() -> None:
    """Rules come back in order, each judged by its own options."""
    rules = [
        Rule(id=word, statement="It holds.", critics=("patterns",), patterns=Patterns(forbid_words=(word,)))
        for word in ("alpha", "beta")
    ]
    findings = PatternsCritic()(Exchange((), "Only beta."), rules)
    assert [(finding.rule, finding.probability) for finding in findings] == [("alpha", 0.0), ("beta", 1.0)]


def test_without_a_draft_the_users_turn_is_judged() -> None:
    """The same rule serves for what goes in."""
    rule = Rule(id="rule", statement="It holds.", critics=("patterns",), patterns=Patterns(forbid=("hello",)))
    (finding,) = PatternsCritic()(Exchange((Message("user", "Hello."),)), [rule])
    assert finding.probability == 1.0


def test_a_rule_without_options_is_an_error() -> None:
    """There is nothing to judge it by, and that is no pass."""
    with pytest.raises(ValueError, match="`patterns` options"):
        PatternsCritic()(Exchange((), "x"), [Rule(id="rule", statement="It holds.", critics=("patterns",))])


def test_a_faulty_pattern_is_an_error() -> None:
    """A rule that cannot be applied does not pass."""
    with pytest.raises(PatternError):
        judge("x", forbid=("(",))


def test_a_forbidden_pattern_is_quoted_placed_and_mended() -> None:
    """The critique says what stands where, the span where exactly, the mend what to put there."""
    draft = "Certainly! Here is a long list of things that you can do."
    finding = judge(draft, forbid=(r"^certainly\b",), replace_with="")
    assert finding.probability == 1.0
    assert (
        finding.critique == "says \u201cCertainly\u201d in \u201cCertainly! Here is a long list of things \u2026\u201d"
    )
    assert places(draft, finding) == ["Certainly"]
    assert finding.mend == ("",)


def test_a_place_in_the_middle_is_quoted_with_whole_words_around() -> None:
    """The quotation begins and ends at a word, with an ellipsis where the text goes on."""
    draft = "This is a rather long sentence with a forbidden word in the middle of it, and it does not end soon."
    finding = judge(draft, forbid_words=("forbidden",))
    assert (
        finding.critique
        == "says \u201cforbidden\u201d in \u201c\u2026with a forbidden word in the middle of \u2026\u201d"
    )


@pytest.mark.parametrize(
    "disguise",
    [ZERO_WIDTH, CYRILLIC, WIDE, TAGGED, HYPHENATED, STRUCK, SMALL, BOXED, INDICATED, "Certainly"],
)
@pytest.mark.parametrize("options", [{"forbid": ("certainly",)}, {"forbid_words": ("certainly",)}])
def test_a_disguised_word_is_found_where_it_stands(disguise: str, options: dict[str, Any]) -> None:
    """Zero widths, lookalikes, wide letters, tags and soft hyphens hide nothing; the span is that of the raw text."""
    draft = f"\u00ab\u2026\ufb01\u00bb Well, {disguise}! Yes."
    finding = judge(draft, **options)
    assert finding.probability == 1.0
    assert places(draft, finding) == [disguise]


@pytest.mark.parametrize(
    ("word", "draft", "place"),
    [
        ("\u043a\u043e\u0442", "\u0422\u0443\u0442 \u043a\u200bo\u0442!", "\u043a\u200bo\u0442"),
        (
            "\u0447\u0451\u0440\u043d\u044b\u0439 \u043a\u043e\u0442",
            "\u0427\u0415\u0308PHB\u0406\u0419, \u0447\u00eb\u0440\u043d\u044b\u0439 \u043ao\u0442",
            "\u0447\u00eb\u0440\u043d\u044b\u0439 \u043ao\u0442",
        ),
        ("\u03bc\u03bf\u03c5", "\u03c4\u03bf \u03bco\u03c5 \u03b4\u03b5\u03bd", "\u03bco\u03c5"),
        ("hate", "We \u041d\u0410\u0422\u0415 you", "\u041d\u0410\u0422\u0415"),
        ("hate you", "We \u041d\u0410\u200b\u0422\u0415 y\u043eu", "\u041d\u0410\u200b\u0422\u0415 y\u043eu"),
    ],
)
def test_a_word_is_found_whichever_of_its_letters_pose_as_others(word: str, draft: str, place: str) -> None:
    """One Latin letter in a Russian or Greek word, or none in a Latin one; the span is that of the raw text."""
    assert places(draft, judge(draft, forbid_words=(word,))) == [place]
    assert places(draft, judge(draft, forbid=(f"(?i){word}",))) == [place]


@pytest.mark.parametrize(
    ("word", "draft"),
    [
        ("\u0440\u043e\u0442", "A pot of tea"),
        ("pot", "\u0423 \u043d\u0435\u0433\u043e \u0440\u043e\u0442 \u0438 \u043d\u043e\u0441"),
        ("\u043a\u043e\u0442", "Kot i pies"),
    ],
)
def test_a_word_of_one_script_is_none_of_another(word: str, draft: str) -> None:
    """A Russian mouth among Russian words is no pot, and an English pot no mouth."""
    assert judge(draft, forbid_words=(word,), forbid=(word,)).probability == 0.0


def test_flags_say_no_word() -> None:
    """They are two letters each, and nobody reads them; letters that are no flags are read."""
    flags = "\U0001f1fa\U0001f1f8 \U0001f1fa\U0001f1f8\U0001f1ec\U0001f1e7"
    assert judge(f"Made in {flags}", forbid_words=("us", "usgb"), forbid=("us",)).probability == 0.0
    assert judge("In \U0001f1f8\U0001f1fa\U0001f1e8\U0001f1f0", forbid_words=("suck",)).probability == 1.0


def test_what_only_the_raw_text_holds_is_found_too() -> None:
    """A rule may forbid an invisible character, or one that has another normal form."""
    draft = "a\u200bb\u2026"
    assert places(draft, judge(draft, forbid=(r"\x{200b}", "\u2026"))) == ["\u200b", "\u2026"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_forbidden_word_never_hides_among_others(before: str, after: str) -> None:
    """Wherever it stands alone it is found, and every span lies within the text."""
    draft = f"{before} xyzzy {after}"
    finding = judge(draft, forbid_words=("xyzzy",))
    assert finding.probability == 1.0
    assert any("xyzzy" in place for place in places(draft, finding))
    assert list(finding.spans) == sorted(finding.spans)
    assert len(finding.mend) == len(finding.spans)


def test_overlapping_matches_are_one_place() -> None:
    """Spans are merged and in order, with one replacement each."""
    draft = "one two three, four"
    finding = judge(draft, forbid=("four", "two three", "one two"))
    assert places(draft, finding) == ["one two three", "four"]
    assert finding.mend == ("[removed]", "[removed]")


def test_words_in_either_form_of_a_letter_are_the_same_word() -> None:
    """A manifesto may write its words composed or decomposed."""
    assert judge("Un caf\u00e9.", forbid_words=("cafe\u0301",)).probability == 1.0
    assert judge("Un cafe\u0301.", forbid_words=("caf\u00e9",)).probability == 1.0


@pytest.mark.parametrize(
    ("pattern", "draft"),
    [("cafe\u0301", "Un caf\u00e9."), ("don\u2019t", "I don't."), ("(?i)DON\u2019T", "I don\u2018t.")],
)
def test_a_pattern_in_either_form_of_a_letter_is_the_same(pattern: str, draft: str) -> None:
    """A manifesto may have been typed by an editor that sets curly quotes, or on a Mac."""
    assert judge(draft, forbid=(pattern,)).probability == 1.0
    assert judge(draft, require=(pattern,)).probability == 0.0


def test_a_dash_that_is_forbidden_is_no_hyphen() -> None:
    """The character itself is meant."""
    assert judge("A well-known fact, don't you think...", forbid=("\u2013", "\u2019", "\u2026")).probability == 0.0


@pytest.mark.parametrize("said", ["SCHEISSE", "Schei\u1e9ee", "\uff33CHEISSE", "Schei\u00df\u200be"])
def test_a_word_is_mended_whole_in_whatever_case_it_stands(said: str) -> None:
    """And nothing beside it, though letters before it, or of its own, have other lengths in small."""
    draft = f"Gro\u00dfe \u0130dee, {said}!"
    finding = judge(draft, forbid_words=("Schei\u00dfe",), replace_with="[\u2026]")
    assert (places(draft, finding), finding.mend) == ([said], ("[\u2026]",))
    assert judge(draft, require_words=("scheisse",)).probability == 0.0


def test_a_pattern_that_matches_nothing_forbids_nothing() -> None:
    """It would stand everywhere, so it counts nowhere."""
    assert judge("aaa", forbid=("a*", "$")) == Finding("rule", "patterns", 0.0)


def test_the_same_words_are_named_once() -> None:
    """A word that stands in many places is one problem, with the number of its places."""
    finding = judge("Very good, very, very nice.", forbid_words=("very",))
    assert finding.critique.startswith("says \u201cVery\u201d 3 times, first in \u201cVery good")
    assert len(finding.spans) == 3


def test_a_critique_names_five_problems_and_counts_the_rest() -> None:
    """A generator can take in so many at a time."""
    finding = judge(" ".join(f"w{i}," for i in range(8)), forbid=(r"w\d",))
    assert finding.critique.count("says") == 5
    assert finding.critique.endswith("; and 3 more")


def test_what_must_be_there_is_missed() -> None:
    """A missing pattern or phrase is named, has no place and cannot be mended."""
    finding = judge("Take two.", require=(r"\d+ mg",), require_words=("see a doctor",))
    assert finding.probability == 1.0
    assert finding.critique == ("has nothing that matches \u201c\\d+ mg\u201d; does not say \u201csee a doctor\u201d")
    assert finding.spans == ()
    assert finding.mend == ()


@pytest.mark.parametrize(
    "draft", ["See a doctor: 5 mg\u2026", "see\u00a0a\nDOCTOR, \uff15 mg\u2026", "S\u200bee a doctor; 50 mg\u2026"]
)
def test_what_must_be_there_is_found_in_any_form(draft: str) -> None:
    """Wide digits, hard spaces and line breaks do not matter; a sign without a normal form is met by itself."""
    finding = judge(draft, require=(r"\d+ mg", "\u2026"), require_words=("see a doctor",))
    assert finding == Finding("rule", "patterns", 0.0)


def test_case_counts_where_the_rule_says_so() -> None:
    """For patterns and words alike."""
    assert judge("us", forbid=("US",), forbid_words=("US",), case_sensitive=True).probability == 0.0
    assert judge("us", forbid=("US",)).probability == 1.0


@pytest.mark.parametrize(
    ("options", "critique", "excess"),
    [
        ({"words": Length(at_most=4)}, "has 6 words, at most 4 are allowed", "Five six."),
        ({"words": Length(at_most=5)}, "has 6 words, at most 5 are allowed", "Five six."),
        ({"words": Length(at_most=1)}, "has 6 words, at most 1 is allowed", "One two. Three four. Five six."),
        ({"characters": Length(at_most=10)}, "has 30 characters, at most 10 are allowed", "Three four. Five six."),
        ({"sentences": Length(at_most=2)}, "has 3 sentences, at most 2 are allowed", "Five six."),
    ],
)
def test_too_long_a_text_shows_from_where(options: dict[str, Any], critique: str, excess: str) -> None:
    """The span runs from the first sentence that passes the limit to the end, and is mended by leaving it out, but
    not where nothing would be left."""
    draft = "One two. Three four. Five six."
    finding = judge(draft, **options)
    assert (finding.probability, finding.critique) == (1.0, critique)
    assert finding.mend == (() if excess == draft else ("",))
    assert places(draft, finding) == [excess]


@pytest.mark.parametrize("unit", ["characters", "words", "sentences"])
def test_too_short_a_text_has_no_place(unit: str) -> None:
    """What is missing stands nowhere."""
    finding = judge("No.", **{unit: Length(at_least=9)})
    assert finding.probability == 1.0
    assert f"{unit}, at least 9 are required" in finding.critique.replace("word,", "words,").replace("ce,", "ces,")
    assert finding.spans == ()


def test_bounds_are_inclusive() -> None:
    """A text of exactly as many words as allowed or required passes."""
    assert judge("One two three.", words=Length(at_least=3, at_most=3)).probability == 0.0


@pytest.mark.parametrize(
    "draft",
    [
        "Wait\u2026 what?",
        "No\u203c\ufe0f",
        "So\u2026\u200b\u200b",
        "\u00bd l at 4 \u2103.",
        "cafe\u0301 \ufb01n",
        "\U0001f469\u200d\U0001f469",
    ],
)
def test_a_character_that_the_normal_form_spells_out_counts_once(draft: str) -> None:
    """An ellipsis is not three, nor a letter with its accent two; nobody sees a joiner."""
    count = len(re.sub("[\u0301\u200b\u200d\ufe0f]", "", draft))
    assert judge(draft, characters=Length(at_least=count, at_most=count)).probability == 0.0
    finding = judge(draft, characters=Length(at_most=count - 1))
    assert finding.critique == f"has {count} characters, at most {count - 1} {'is' if count == 2 else 'are'} allowed"
    assert judge(draft, characters=Length(at_least=count + 1)).probability == 1.0


def test_hidden_characters_do_not_count() -> None:
    """Length is measured in what a reader sees, while the span is that of the raw text."""
    draft = "A\u200b\u200b b.\u200b C\u200b d."
    assert judge(draft, characters=Length(at_most=9)).probability == 0.0
    assert places(draft, judge(draft, words=Length(at_most=2))) == ["C\u200b d."]


def test_a_forbidden_word_in_what_is_too_long_goes_with_it() -> None:
    """Each span has one mend: words before the cut are replaced, the rest is left out."""
    draft = "Bad one. Fine two. Bad three."
    finding = judge(draft, forbid_words=("bad",), words=Length(at_most=4))
    assert places(draft, finding) == ["Bad", "Bad three."]
    assert finding.mend == ("[removed]", "")


def test_lines_drawn_with_signs_are_no_sentences() -> None:
    """A rule between two paragraphs says nothing."""
    assert judge("One.\n---\nTwo.", sentences=Length(at_most=2)).probability == 0.0


def test_only_forbidden_words_can_be_mended() -> None:
    """With something missing as well, taking the words out would not mend the draft."""
    finding = judge("Certainly!", forbid_words=("certainly",), require_words=("doctor",))
    assert finding.spans == ((0, 9),)
    assert finding.mend == ()


def test_a_foreign_language_breaks_the_rule() -> None:
    """The critique names the language that was found, and those that it may be in."""
    finding = judge("Natürlich kann ich dir dabei helfen, das ist gar kein Problem.", languages=("en", "fr"))
    assert finding.probability == 1.0
    assert finding.critique == "seems to be in 'de', must be in en or fr"
    assert finding.spans == ()
    assert finding.mend == ()


def test_the_right_language_is_no_problem() -> None:
    """What small doubt the detector has does not count against a draft."""
    finding = judge("Of course I can help you with that, it is no problem at all.", languages=("en",))
    assert finding.probability == 0.0
    assert finding.critique == ""


def test_a_short_text_in_another_script_is_foreign() -> None:
    """There is no language to name, only a script that does not fit."""
    assert judge("\u0414\u0430.", languages=("en",)).critique == "is not written as en is"


def test_everything_that_is_wrong_is_said() -> None:
    """Problems of different kinds stand side by side, and so do their places."""
    draft = "Certainly! One two three. Four five six."
    finding = judge(draft, forbid_words=("certainly",), words=Length(at_most=3), require_words=("doctor",))
    assert finding.critique.count("; ") == 2
    assert places(draft, finding) == ["Certainly", "One two three. Four five six."]


def test_a_draft_that_cannot_be_encoded_is_judged() -> None:
    """A lone surrogate is no way around a rule, nor a crash."""
    draft = "\ud800 Certainly \udfff"
    assert places(draft, judge(draft, forbid=("certainly",), languages=("en",))) == ["Certainly"]


def test_an_empty_draft_is_judged() -> None:
    """It says nothing forbidden, and nothing that is required."""
    assert judge("", forbid=("a",), languages=("en",), words=Length(at_most=3)).probability == 0.0
    assert judge("", require=("a",)).probability == 1.0
