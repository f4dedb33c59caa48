"""Showing an answer before it is whole, by sentences and by windows: examples, one a claim. The property test beside
this one holds all of it against random drafts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from critics import (
    Budget,
    Exchange,
    Finding,
    Length,
    Manifesto,
    Message,
    Panel,
    Patterns,
    PatternsCritic,
    Rule,
    ScriptedCritic,
    Span,
)
from pipeline import Answer, ContextOverflow, DraftOptions, DraftRequest, Loop, ModelFault, Piece, Pieces, Pipeline
from pipeline.files.records import outcome_record
from pipeline.loop import showing

BAD = Rule(id="no-bad", statement="Nothing is bad.", advice="Make it good.")
MAIL = Rule(id="mail", statement="No secrets.", critics=("personal-data",), action="redact")
EXCHANGE = Exchange((Message("user", "Write."),))


def opinion(draft: str, rule: Rule) -> float:
    return float(rule.id.removeprefix("no-") in draft)


def manifesto(*rules: Rule, stream: Any = "sentence", **keys: Any) -> Manifesto:
    return Manifesto(name="m", version="1", rules=rules or (BAD,), stream=stream, **keys)


class Chunks:
    """Gives each draft in the pieces that it was given in; a fault among them is raised."""

    name = "chunks"

    def __init__(self, *drafts: Sequence[str | ModelFault], can_continue: bool = True) -> None:
        self._drafts = drafts
        self.can_continue = can_continue
        self.requests: list[DraftRequest] = []

    def __call__(self, request: DraftRequest) -> Pieces:
        draft = self._drafts[min(len(self.requests), len(self._drafts) - 1)]
        self.requests.append(request)
        for text in draft:
            if isinstance(text, ModelFault):
                raise text
            yield Piece(text)
        yield Piece("", finish="stop")


def stream(generator: Any, under: Manifesto | None = None, critic: Any = None) -> Answer:
    return Loop(generator, critic or ScriptedCritic(opinion), under or manifesto()).stream(EXCHANGE)


def drafts_seen(critic: ScriptedCritic) -> list[str]:
    return [exchange.judged for exchange in critic.seen]


# --- Sentences -------------------------------------------------------------------------------------------------------


def test_a_sentence_is_shown_as_soon_as_it_has_passed() -> None:
    """Before the draft goes on: when the second sentence begins, the first one is there."""
    generator = Chunks(["One", ".", " ", "Two.", " Three", "."])
    answer = stream(generator)
    parts = iter(answer)
    assert next(parts) == "One."
    assert list(parts) == [" Two.", " Three."]
    assert (answer.outcome.status, answer.outcome.answer, answer.shown) == ("released", *["One. Two. Three."] * 2)


def test_all_of_the_draft_so_far_is_judged() -> None:
    """Not the sentence alone, and the whole in the end."""
    critic = ScriptedCritic(opinion)
    list(stream(Chunks(["One.", " Two.", " Three."]), critic=critic))
    assert drafts_seen(critic) == ["One.", "One. Two.", "One. Two. Three."]


def test_a_sentence_that_fails_is_never_shown() -> None:
    """The draft is stopped and rewound to what was shown, and goes on from there with the advice."""
    generator = Chunks(["One.", " So bad.", " More."], ["So good.", " More."])
    answer = stream(generator)
    assert list(answer) == ["One.", " So good.", " More."]
    first, second = answer.outcome.attempts
    assert (first.text, first.finish, first.verdict.outcome) == ("One. So bad.", "stopped", "revise")
    assert (second.text, second.continued_from) == ("One. So good. More.", len("One. "))
    assert generator.requests[1].continues == "One. "
    assert "Make it good." in generator.requests[1].messages[-1].content


@pytest.mark.parametrize("action", ["veto", "revise"])
def test_a_sentence_that_fails_stops_the_draft(action: str) -> None:
    """No more tokens are spent on it, whatever it broke."""
    rule = BAD.model_copy(update={"action": action})
    answer = stream(Chunks(["One.", " So bad.", " More.", " More."], [" So good."]), manifesto(rule))
    assert answer.ended().attempts[0].draft == "One. So bad. More."


def test_a_first_sentence_that_fails_begins_the_answer_anew() -> None:
    """With the advice, and with nothing to go on from."""
    generator = Chunks(["So bad.", " More."], ["So good."])
    assert list(stream(generator)) == ["So good."]
    assert generator.requests[1].continues == ""
    assert "Make it good." in generator.requests[1].messages[-1].content


def test_sentences_that_come_at_once_are_judged_one_by_one() -> None:
    """A draft in one piece is shown up to the sentence that fails."""
    generator = Chunks(["One. Two. So bad. More."], ["So good."])
    assert list(stream(generator)) == ["One.", " Two.", " So good."]
    assert generator.requests[1].continues == "One. Two. "


def test_the_last_sentence_is_judged_with_the_whole() -> None:
    """It fails as any other, and is written anew."""
    answer = stream(Chunks(["One.", " So bad."], ["So good."]))
    assert list(answer) == ["One.", " So good."]
    assert answer.outcome.attempts[0].finish == "stop"


def test_an_undecided_sentence_is_not_shown() -> None:
    """It waits for the next one, with which it may pass; at the end the rest is withheld."""
    critic = ScriptedCritic(lambda draft, rule: None if draft.endswith("Hm.") else 0.0)
    answer = stream(Chunks(["One.", " Hm.", " Three.", " Four."]), critic=critic)
    assert list(answer) == ["One.", " Hm. Three.", " Four."]
    answer = stream(Chunks(["One.", " Hm."]), critic=critic)
    assert list(answer) == ["One."]
    assert (answer.outcome.status, answer.outcome.stop_reason) == ("withheld", "undecided")


def test_what_was_shown_stays_on_record_where_the_rest_is_withheld() -> None:
    """The outcome has the refusal for an answer, and what had been shown beside it."""
    answer = stream(Chunks(["One.", " So bad."]), manifesto(budget=Budget(attempts=1)))
    assert list(answer) == ["One."]
    assert (answer.outcome.status, answer.outcome.answer) == ("withheld", answer.outcome.manifesto.refusal)
    assert answer.shown == answer.outcome.shown == outcome_record(answer.outcome)["shown"] == "One."


def test_a_released_answer_has_nothing_else_to_tell() -> None:
    """What was shown is the answer."""
    answer = stream(Chunks(["One.", " Two."]))
    assert answer.ended().shown == ""
    assert "shown" not in outcome_record(answer.outcome)


def test_a_score_below_the_bound_shows_nothing() -> None:
    """Nothing is broken, and yet the sentence is not good enough."""
    critic = ScriptedCritic(lambda draft, rule: 0.4 if "Well" in draft else 0.0)
    generator = Chunks(["One.", " Well.", " Three."], ["Fine."])
    assert list(stream(generator, manifesto(release=0.9), critic)) == ["One.", " Fine."]
    assert "falls short" in generator.requests[1].messages[-1].content


def test_a_sentence_that_fails_again_in_the_same_way_ends_the_answer() -> None:
    """But only where nothing was shown in between: an answer that got on has not come to a standstill."""

    def pointing(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        at = exchange.judged.find("bad")
        spans = (Span(at, at + 3),) if at >= 0 else ()
        return [Finding(rule.id, "c", float(at >= 0), "harsh", spans) for rule in rules]

    under = manifesto(budget=Budget(attempts=9))
    answer = stream(Chunks(["One.", " So bad 1."], ["So bad 2."], ["Three."]), under, pointing)
    assert list(answer) == ["One."]
    assert (answer.outcome.stop_reason, len(answer.outcome.attempts)) == ("stalled", 2)
    got_on = Chunks(["One.", " So bad 1."], ["Two.", " So bad 2."], ["Three."])
    assert "".join(stream(got_on, under, pointing)) == "One. Two. Three."


def test_an_answer_may_end_with_what_was_shown() -> None:
    """Where the generator has nothing to add to it."""
    answer = stream(Chunks(["One.", " So bad."], [""]))
    assert list(answer) == ["One."]
    assert (answer.outcome.status, answer.outcome.answer) == ("released", "One.")


def test_no_draft_that_failed_is_shown_as_the_best() -> None:
    """It would begin with, or hold, a sentence that failed."""
    under = manifesto(on_exhausted="best", budget=Budget(attempts=1))
    answer = stream(Chunks(["One.", " So bad."]), under)
    assert (list(answer), answer.outcome.status) == (["One."], "withheld")


def test_a_fault_in_the_middle_is_a_fault() -> None:
    """What was shown is told, and no refusal pretends that a critic had spoken."""
    answer = stream(Chunks(["One.", " Two", ModelFault("out of order")]))
    assert list(answer) == ["One."]
    assert (answer.outcome.status, answer.outcome.answer, answer.outcome.shown) == ("faulted", None, "One.")


def test_a_budget_that_is_spent_ends_the_answer_where_it_is() -> None:
    """The critic's tokens count for every sentence."""
    answer = stream(Chunks(["One."] + [" More."] * 50), manifesto(budget=Budget(tokens=4)))
    assert len(list(answer)) == 4
    assert (answer.outcome.status, answer.outcome.stop_reason) == ("withheld", "tokens")


def test_no_reader_sees_what_was_not_judged() -> None:
    """Invisible characters are out before a sentence is judged, and are not shown; one of nothing else is skipped."""
    critic = ScriptedCritic(opinion)
    answer = stream(Chunks(["\u200b\n", "O\u200bne.", " \u200b\n", "Two."]), critic=critic)
    assert "".join(answer) == "\nOne. \nTwo."
    assert drafts_seen(critic) == ["\nOne.", "\nOne. \nTwo."]


def test_a_bound_on_length_holds_for_the_text_so_far() -> None:
    """The sentence that is too much is not shown, and the answer may still end."""
    short = Rule(id="short", statement="Short.", critics=("patterns",), patterns=Patterns(sentences=Length(at_most=2)))
    answer = stream(Chunks(["One.", " Two.", " Three."], [""]), manifesto(short), Panel({"patterns": PatternsCritic()}))
    assert list(answer) == ["One.", " Two."]
    assert answer.outcome.answer == "One. Two."


def test_the_bound_on_tokens_is_on_the_whole_answer() -> None:
    """Not on each draft anew: what it goes on from counts."""
    pipeline = Pipeline(manifesto(), ScriptedCritic(opinion), Chunks(["One.", " So bad."], [" Two."]))
    options = DraftOptions(max_tokens=5)
    pipeline.stream("Write.", options=options).ended()
    assert isinstance(pipeline.generator, Chunks)
    assert [request.options for request in pipeline.generator.requests] == [options, options]


# --- Mending ---------------------------------------------------------------------------------------------------------


def mender(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
    """Finds `s3cret`, however many full stops and spaces are in it; and what is bad."""
    places = [Span(*found.span()) for found in re.finditer(r"s3[. ]*[Cc]ret", exchange.judged)]
    gone = Finding("mail", "personal-data", float(bool(places)), "", tuple(places), ("[gone]",) * len(places))
    return [gone if rule.id == "mail" else Finding(rule.id, "c", opinion(exchange.judged, rule)) for rule in rules]


def test_a_sentence_is_mended_before_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the record says what was mended, in all that was shown."""
    monkeypatch.setattr(showing, "REACH", 5)
    answer = stream(Chunks(["A s3cret.", " Two", ".", " A s3cret."]), manifesto(MAIL, BAD), mender)
    assert list(answer) == ["A [gone].", " Two.", " A [gone]."]
    assert sum(len(finding.spans) for finding in answer.outcome.attempts[0].redactions) == 2


def test_what_goes_on_behind_a_sentences_end_is_mended_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is shown before: the part waits for what may belong to it."""
    monkeypatch.setattr(showing, "REACH", 6)
    answer = stream(Chunks(["One.", " Two.", " A s3. C", "ret.", " Three.", " Four."]), manifesto(MAIL, BAD), mender)
    parts = list(answer)
    assert parts[:2] == ["One.", " Two."]
    assert "".join(parts) == "One. Two. A [gone]. Three. Four."
    assert not any("s3" in part for part in parts)


def test_a_revision_of_a_mended_answer_goes_on_from_what_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator sees the mended text, as everybody does."""
    monkeypatch.setattr(showing, "REACH", 0)
    generator = Chunks(["A s3cret.", " So bad.", " More."], ["So good."])
    assert list(stream(generator, manifesto(MAIL, BAD), mender)) == ["A [gone].", " So good."]
    assert generator.requests[1].continues == "A [gone]. "


# --- Where it is held all the same -----------------------------------------------------------------------------------

WHOLE = [
    {"require_words": ("regards",)},
    {"require": ("regards",)},
    {"languages": ("en",)},
    {"words": Length(at_least=2)},
    {"forbid": (r"\?$",)},
]


@pytest.mark.parametrize("mode", ["sentence", "window"])
@pytest.mark.parametrize("options", WHOLE)
def test_rules_about_the_whole_hold_the_answer(options: dict[str, Any], mode: str) -> None:
    """What has been shown could not be taken back, so nothing is shown before the verdict."""
    rule = Rule(id="no-bad", statement="S.", critics=("patterns",), patterns=Patterns(**options))
    critic = ScriptedCritic(opinion)
    long = ["One. Two. " * 60, "Three."]
    assert list(stream(Chunks(long), manifesto(rule, stream=mode), critic)) == ["".join(long)]
    assert len(critic.seen) == 1


def test_a_rule_that_only_flags_holds_nothing() -> None:
    """It is asked about the whole, and is on record."""
    signed = Rule(
        id="signed", statement="S.", action="flag", critics=("patterns",), patterns=Patterns(require=("regards",))
    )
    critic = ScriptedCritic(opinion)
    answer = stream(Chunks(["One.", " Two."]), manifesto(BAD, signed), critic)
    assert list(answer) == ["One.", " Two."]
    assert [j.rule.id for j in answer.outcome.attempts[0].verdict.judgements] == ["no-bad", "signed"]


def test_a_generator_that_cannot_go_on_holds_its_sentences() -> None:
    """An answer that has been begun could not be rewound."""
    generator = Chunks(["One.", " So bad."], ["One.", " So good."], can_continue=False)
    assert list(stream(generator)) == ["One. So good."]


def test_what_is_mended_by_patterns_is_held() -> None:
    """A match of theirs may be of any length."""
    rule = Rule(id="r", statement="S.", action="redact", critics=("patterns",), patterns=Patterns(forbid=("a.*b",)))
    answer = stream(Chunks(["One a.", " Two b."]), manifesto(rule), Panel({"patterns": PatternsCritic()}))
    assert list(answer) == ["One [removed]."]


@pytest.mark.parametrize("mode", ["sentence", "window"])
def test_a_plain_call_holds_whatever_the_manifesto_says(mode: str) -> None:
    """Who does not listen is not charged for every sentence, and has the answer revised as a whole."""
    critic = ScriptedCritic(opinion)
    generator = Chunks(["One.", " So bad."], ["One.", " So good."])
    assert Loop(generator, critic, manifesto(stream=mode))(EXCHANGE).answer == "One. So good."
    assert drafts_seen(critic) == ["One. So bad.", "One. So good."]


# --- Windows ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of twelve characters and an overlap of eight."""
    monkeypatch.setattr(showing, "WINDOW", 12)
    monkeypatch.setattr(showing, "OVERLAP", 8)


@pytest.mark.usefixtures("small")
def test_a_window_is_shown_once_it_has_passed() -> None:
    """With what lies before it, and the whole in the end; it ends with a word."""
    critic = ScriptedCritic(opinion)
    answer = stream(Chunks(list("one two three four five six seven")), manifesto(stream="window"), critic)
    assert list(answer) == ["one two", " three four", " five six", " seven"]
    assert drafts_seen(critic) == [
        "one two",
        "one two three four",
        "four five six",
        "one two three four five six seven",
    ]
    assert answer.outcome.status == "released"


@pytest.mark.usefixtures("small")
def test_a_window_that_fails_ends_the_answer() -> None:
    """Nothing of it is shown, nothing is drafted again, and the outcome says why."""
    generator = Chunks(list("one two three so bad five six seven"), ["fine"], can_continue=False)
    answer = stream(generator, manifesto(stream="window"))
    assert list(answer) == ["one two", " three so"]
    assert (answer.outcome.status, answer.outcome.stop_reason) == ("withheld", "shown")
    assert (answer.outcome.attempts[0].finish, len(generator.requests)) == ("stopped", 1)


@pytest.mark.usefixtures("small")
def test_a_first_window_that_fails_is_revised() -> None:
    """Nothing has been shown yet, so that nothing stands in the way."""
    generator = Chunks(list("so bad is it, so very bad"), ["fine"], can_continue=False)
    answer = stream(generator, manifesto(stream="window"))
    assert list(answer) == ["fine"]
    assert len(generator.requests[1].messages) == 3


@pytest.mark.usefixtures("small")
def test_a_draft_that_is_shown_and_no_longer_fits_has_no_second_one() -> None:
    """It would begin anew, and be shown from where the first one broke off."""
    broken = [*"one two three four f", ContextOverflow("too long")]
    generator = Chunks(list("bad"), broken, list("uno dos tres cuatro cinco"), can_continue=False)
    answer = stream(generator, manifesto(stream="window"))
    assert list(answer) == ["one two", " three four"]
    assert (answer.outcome.status, answer.outcome.shown) == ("faulted", "one two three four")
    assert len(generator.requests) == 2


@pytest.mark.usefixtures("small")
def test_the_whole_is_judged_behind_its_windows() -> None:
    """What no window holds is found in the whole, and the rest is withheld."""
    critic = ScriptedCritic(lambda draft, rule: float("one" in draft and "six" in draft))
    answer = stream(Chunks(list("one two three four five six")), manifesto(stream="window"), critic)
    assert list(answer) == ["one two", " three four"]
    assert answer.outcome.stop_reason == "shown"


@pytest.mark.usefixtures("small")
def test_what_costs_no_model_judges_all_of_the_text_so_far() -> None:
    """So lengths add up, and places are those in the text."""
    short = Rule(id="short", statement="S.", critics=("patterns",), patterns=Patterns(words=Length(at_most=5)))
    other = Rule(id="no-seven", statement="S.", critics=("other",))
    panel = Panel({"patterns": PatternsCritic(), "other": ScriptedCritic(opinion)})
    answer = stream(Chunks(list("one two three four five six seven")), manifesto(short, other, stream="window"), panel)
    assert list(answer) == ["one two", " three four"]
    (broken,) = answer.outcome.attempts[0].verdict.broken
    assert (broken.rule.id, broken.findings[0].spans) == ("short", (Span(0, len("one two three four five six")),))


@pytest.mark.usefixtures("small")
def test_the_place_of_a_breach_in_a_window_is_told_in_the_text() -> None:
    """Records and traces point into the draft."""

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        place = exchange.judged.find("bad")
        return [Finding(r.id, "c", float(place >= 0), "", (Span(place, place + 3),)) for r in rules]

    answer = stream(Chunks(list("one two three so bad five six seven")), manifesto(stream="window"), critic)
    attempt = answer.ended().attempts[0]
    (span,) = attempt.verdict.broken[0].findings[0].spans
    assert attempt.text[span.start : span.end] == "bad"


@pytest.mark.usefixtures("small")
def test_a_text_without_spaces_has_windows_too() -> None:
    """They are cut anywhere."""
    answer = stream(Chunks(list("字" * 30)), manifesto(stream="window"))
    assert [len(part) for part in answer] == [12, 12, 6]


@pytest.mark.usefixtures("small")
def test_a_window_leaves_no_half_of_an_emoji_that_nobody_sees() -> None:
    """It ends before the joiner, and the next one begins with it."""
    text = "a" + "👩\u200d🚒" * 9
    parts = list(stream(Chunks([text]), manifesto(stream="window")))
    assert "".join(parts) == text
    assert not any(part.endswith("\u200d") for part in parts)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("character", ["e\u0301", "\u0e01\u0e34", "\U0001f469\U0001f3fe", "\U0001f469\u200d\U0001f692"])
@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_a_window_ends_with_a_whole_character(character: str, before: str) -> None:
    """With its marks, and all that is joined to it."""
    text = before + character * 20
    parts = list(stream(Chunks(list(text)), manifesto(stream="window")))
    assert "".join(parts) == text
    assert len(parts) > 1
    assert all(part.removeprefix(before).startswith(character) for part in parts)


def test_windows_hold_for_generators_that_cannot_go_on() -> None:
    """Such as most servers: they are what windows are for."""
    text = "word " * 200
    answer = stream(Chunks([text], can_continue=False), manifesto(stream="window"))
    parts = list(answer)
    assert "".join(parts) == text
    assert len(parts) > 2


# --- Disguises -------------------------------------------------------------------------------------------------------

HATE = Rule(id="no-hate", statement="S.", critics=("patterns",), patterns=Patterns(forbid_words=("hate",)))
POSING = "\u041d\u0410\u0422\u0415"
"""Four Cyrillic capitals, drawn as HATE."""


def patterned(*pieces: str, mode: str = "sentence") -> list[str]:
    generator = Chunks(pieces, ["Fine."], can_continue=mode == "sentence")
    return list(stream(generator, manifesto(HATE, stream=mode), Panel({"patterns": PatternsCritic()})))


def test_a_word_in_anothers_letters_waits_for_the_words_that_tell_how_it_is_read() -> None:
    """Among Latin words it is a Latin one, and forbidden, also where those come in a later part."""
    assert patterned(f"{POSING}.", " Good day.", " More.") == ["Fine."]
    assert patterned(f"1. {POSING}!", "\n2. ", "Good day.", " More.") == ["Fine."]


def test_a_word_in_its_own_letters_waits_no_longer_than_for_the_next_one() -> None:
    """In a Russian text it is a Russian word."""
    shown = patterned(f"{POSING}.", " \u041f\u0440\u0438\u0432\u0435\u0442.", " \u041c\u0438\u0440.")
    assert shown == [f"{POSING}. \u041f\u0440\u0438\u0432\u0435\u0442.", " \u041c\u0438\u0440."]


def test_an_answer_in_such_letters_is_shown_sentence_by_sentence() -> None:
    """Many a Russian or Greek sentence ends with a word of lookalikes: the words before it tell how it is read."""
    for words in (
        "\u041a\u0442\u043e \u0431\u044b\u043b \u0442\u0430\u043c?",
        "\u039a\u03ac\u03bd\u03b5\u03b9 \u03ba\u03c1\u03cd\u03bf.",
    ):
        shown = patterned(words, f" {words}", f" {words}")
        assert shown == [words, f" {words}", f" {words}"]


@pytest.mark.usefixtures("small")
def test_a_window_waits_for_those_words_as_well() -> None:
    """As a sentence does."""
    assert patterned(*f"{POSING} {POSING} {POSING} one two three four", mode="window") == ["Fine."]
