"""Judging while writing: what stops a draft in the middle, what does not, and what comes of one that was stopped."""

from __future__ import annotations

import threading
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
    PersonalData,
    PersonalDataCritic,
    Rule,
    ScriptedCritic,
    Usage,
    sentences,
)
from pipeline import Attempt, DraftRequest, Loop, Outcome, Piece, Pieces, Pipeline
from pipeline.loop.watch import Watch, watched

PANEL = Panel({"patterns": PatternsCritic(), "personal-data": PersonalDataCritic()})


def patterns(name: str = "no-evil", action: Any = "veto", **options: Any) -> Rule:
    options = options or {"forbid_words": ("evil",)}
    return Rule(id=name, statement="None.", action=action, critics=("patterns",), patterns=Patterns(**options))


def judged(*critics: str, action: Any = "veto") -> Rule:
    return Rule(id="no-evil", statement="Nothing is evil.", action=action, critics=critics)


EVIL = patterns()


def manifesto(*rules: Rule, **keys: Any) -> Manifesto:
    keys.setdefault("budget", Budget(attempts=2))
    return Manifesto(name="m", version="1", rules=rules, **keys)


def opinion(draft: str, rule: Rule) -> float:
    return float(rule.id.removeprefix("no-") in draft)


class Stream:
    """Gives each draft in the pieces that it was given in, a token each; counts them, and how often it was closed."""

    name = "stream"
    can_continue = True

    def __init__(self, *drafts: Sequence[str]) -> None:
        self._drafts = drafts
        self.requests: list[DraftRequest] = []
        self.pulled: list[int] = []
        self.closed = 0

    def __call__(self, request: DraftRequest) -> Pieces:
        draft = self._drafts[min(len(self.requests), len(self._drafts) - 1)]
        self.requests.append(request)
        self.pulled.append(0)
        try:
            for text in draft:
                self.pulled[-1] += 1
                yield Piece(text, Usage(0, 1))
            yield Piece("", finish="stop")
        except GeneratorExit:
            self.closed += 1
            raise


def run(stream: Stream, under: Manifesto, critic: Any = PANEL, **keys: Any) -> Outcome:
    return Loop(stream, critic, under, **keys)(Exchange((Message("user", "Write."),)))


def drafts_seen(critic: ScriptedCritic) -> list[str]:
    return [exchange.judged for exchange in critic.seen]


# --- What stops a draft ----------------------------------------------------------------------------------------------


def test_a_draft_is_stopped_at_the_end_of_the_sentence_that_breaks_a_veto() -> None:
    """The generator is closed as the next sentence begins, and the attempt holds the finished ones."""
    stream = Stream(["All", " fine.", " An", " evil", " plan.", " And", " more", " of", " it."], ["Kind."])
    outcome = run(stream, manifesto(EVIL))
    assert (stream.pulled, stream.closed) == ([6, 1], 1)
    first = outcome.attempts[0]
    assert (first.draft, first.text, first.finish) == ("All fine. An evil plan.",) * 2 + ("vetoed",)
    assert (first.verdict.outcome, first.usage) == ("veto", Usage(0, 6))
    assert [(j.rule.id, len(j.findings), j.outcome) for j in first.verdict.judgements] == [("no-evil", 1, "broken")]
    assert (outcome.answer, outcome.attempts[1].finish) == ("Kind.", "stop")


@pytest.mark.parametrize(
    ("pieces", "pulled", "kept"),
    [
        (["An evil plan. ", "All fine. ", "More. "], 2, "An evil plan."),
        (["An evil plan", "\n", "\n", "More of it", "\n", "Yes"], 4, "An evil plan"),
        (["\u201cAn evil plan", ".", "\u201d", " ", "More", " of it."], 5, "\u201cAn evil plan.\u201d"),
        (["Calm. An evil plan. More", " of it. And", " on"], 1, "Calm. An evil plan."),
        (["evil\u8a08\u753b\u3002", "\u6b21", "\u306e", "\u8a71\u3002"], 2, "evil\u8a08\u753b\u3002"),
        (["evil\uff01\u300d", "\u6b21\u3002", "\u8a71\u3002"], 2, "evil\uff01\u300d"),
    ],
)
def test_a_sentence_is_finished_however_it_comes_in_pieces(pieces: list[str], pulled: int, kept: str) -> None:
    """With its spaces, quotation marks or line breaks, alone or with others, in Chinese and Japanese too."""
    stream = Stream(pieces)
    outcome = run(stream, manifesto(patterns(forbid=("evil",)), budget=Budget(attempts=1)))
    assert outcome.attempts[0].text == kept
    assert (stream.pulled, stream.closed) == ([pulled], 1)


def test_a_word_in_anothers_letters_stops_nothing_before_the_words_that_tell_how_it_is_read() -> None:
    """A Russian answer may begin with a word of letters that look Latin, and is Russian by its next sentence."""
    litter, russian = "\u0421\u043e\u0440.", " \u0412\u0441\u0451 \u043b\u0435\u0436\u0438\u0442 \u0442\u0443\u0442."
    under = manifesto(patterns(forbid_words=("cop",)), budget=Budget(attempts=1))
    assert run(Stream([litter, russian, " \u0414\u0430."]), under).status == "released"
    latin = Stream([litter, " All", " fine.", " And", " more."])
    assert (run(latin, under).attempts[0].finish, latin.pulled) == ("vetoed", [4])


def test_personal_data_stops_a_draft() -> None:
    """Its critic is deterministic, and what it found in a part is in the whole."""
    stream = Stream(["Write to jane.doe@example.org.", " She", " will", " answer."])
    run(stream, manifesto(judged("personal-data"), budget=Budget(attempts=1)))
    assert stream.pulled == [2]


@pytest.mark.parametrize(("watch_model", "pulled"), [(False, 4), (True, 2)])
def test_the_model_is_asked_only_where_the_pipeline_was_told_to(watch_model: bool, pulled: int) -> None:
    """It costs tokens at every sentence, which count as any other's."""
    stream = Stream(["An evil plan.", " More", " of", " it."])
    under = manifesto(judged("judge"), budget=Budget(attempts=1))
    outcome = Pipeline(under, ScriptedCritic(opinion), stream, watch_model=watch_model).ask("Write.")
    assert stream.pulled == [pulled]
    assert outcome.attempts[0].verdict.outcome == "veto"
    assert outcome.cost.critic.total == 1


# --- What does not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        patterns(action="revise"),
        patterns(action="flag"),
        patterns(forbid_words=("evil",), require_words=("sincerely",)),
        patterns(forbid=(r"plan\.$",)),
        judged("my.module:critic"),
        judged("patterns", "my.module:critic").model_copy(update={"patterns": EVIL.patterns}),
        judged("judge"),
    ],
)
def test_a_draft_is_not_stopped_by_other_rules(rule: Rule) -> None:
    """Rules that do not veto, that are about the whole text, and critics of one's own: asked once, at the end."""
    critic = ScriptedCritic(opinion)
    stream = Stream(["An evil plan.", " More", " of", " it."])
    run(stream, manifesto(rule, budget=Budget(attempts=1)), critic)
    assert (stream.pulled, stream.closed) == ([4], 0)
    assert drafts_seen(critic) == ["An evil plan. More of it."]


def test_an_undecided_part_stops_nothing() -> None:
    """Nor is it asked about again; the whole is judged, and released."""
    critic = ScriptedCritic(lambda draft, rule: 0.0 if draft.endswith("end.") else None)
    outcome = run(Stream(["One.", " Two.", " The", " end."]), manifesto(judged("personal-data")), critic)
    assert outcome.answer == "One. Two. The end."
    assert len(drafts_seen(critic)) == len(set(drafts_seen(critic)))


def test_a_part_that_crashes_the_critic_stops_nothing() -> None:
    """The whole is judged as ever."""

    def critic(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        if not exchange.judged.endswith("end."):
            raise RuntimeError("down")
        return [Finding(rule.id, "c", 0.0) for rule in rules]

    assert run(Stream(["One.", " The", " end."]), manifesto(judged("personal-data")), critic).status == "released"


def test_a_long_text_without_a_sentences_end_is_judged_once() -> None:
    """Nothing is finished, so nothing is asked."""
    critic = ScriptedCritic(opinion)
    run(Stream(["evil word "] * 300), manifesto(EVIL, budget=Budget(attempts=1, tokens=None)), critic)
    assert len(critic.seen) == 1


def test_a_draft_that_came_whole_is_judged_once() -> None:
    """A piece that is the last one leaves nothing to save."""

    class Whole(Stream):
        def __call__(self, request: DraftRequest) -> Pieces:
            yield Piece("An evil plan. More.", finish="stop")

    critic = ScriptedCritic(opinion)
    run(Whole(), manifesto(EVIL, budget=Budget(attempts=1)), critic)
    assert drafts_seen(critic) == ["An evil plan. More."]


# --- What comes of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_exhausted", ["refusal", "best"])
@pytest.mark.parametrize("other", [(), (patterns("calm", "revise", forbid=("!",)),)])
def test_a_stopped_draft_is_not_released_by_a_critic_that_wavers(on_exhausted: str, other: tuple[Rule, ...]) -> None:
    """What it said of the part stands, though it would now pass the same words."""
    words = iter([1.0])
    critic = ScriptedCritic(lambda draft, rule: next(words, 0.0))
    under = manifesto(judged("personal-data"), *other, on_exhausted=on_exhausted, budget=Budget(attempts=1))
    outcome = run(Stream(["An evil plan.", " More", " of it."]), under, critic)
    assert (outcome.status, outcome.attempts[0].verdict.outcome) == ("withheld", "veto")
    assert len(critic.seen) == 1 + len(other)


def test_a_stopped_draft_of_which_nothing_can_be_seen_is_vetoed() -> None:
    """That it is empty does not take the veto's place."""
    critic = ScriptedCritic(lambda draft, rule: 1.0)
    stream = Stream(["\u200b\n", "More."])
    outcome = run(stream, manifesto(judged("personal-data"), budget=Budget(attempts=1)), critic)
    assert (outcome.attempts[0].finish, outcome.attempts[0].verdict.outcome) == ("vetoed", "veto")


def test_the_other_rules_judge_what_was_written() -> None:
    """A stopped draft has a whole verdict, to be explained by."""
    loud = patterns("calm", "revise", forbid=("!",))
    stream = Stream(["An evil plan!", " More."], ["Kind."])
    first = run(stream, manifesto(loud, EVIL)).attempts[0]
    assert [j.rule.id for j in first.verdict.broken] == ["calm", "no-evil"]


@pytest.mark.parametrize("revision", ["converse", "rewind"])
def test_a_revision_hears_only_of_the_veto_that_cut_the_draft(revision: Any) -> None:
    """What the draft did not get to say is not held against it, and does not hide where to rewind to."""
    signed = patterns("signed", "revise", require_words=("regards",)).model_copy(update={"advice": "Sign it."})
    kind = EVIL.model_copy(update={"advice": "Be kind."})
    stream = Stream(["One.", " An evil plan.", " Regards."], ["Kind regards."])
    run(stream, manifesto(signed, kind, revision=revision))
    told = stream.requests[1].messages[-1].content
    assert "Be kind." in told
    assert "Sign it." not in told
    assert stream.requests[1].continues == ("One. " if revision == "rewind" else "")


def test_a_stopped_draft_is_rewound() -> None:
    """The next attempt goes on from the start of the offending sentence; what was kept is not asked about by itself."""
    stream = Stream(["One.", " An", " evil plan.", " More."], ["A", " kind plan.", " And", " more."])
    critic = ScriptedCritic(opinion)

    def both(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        critic(exchange, rules)
        return list(PatternsCritic()(exchange, rules))

    outcome = run(stream, manifesto(EVIL, revision="rewind"), both)
    assert stream.requests[1].continues == "One. "
    assert outcome.answer == "One. A kind plan. And more."
    assert drafts_seen(critic) == [
        "One.",
        "One. An evil plan.",
        "One. A kind plan.",
        "One. A kind plan. And more.",
    ]


def test_a_rewound_draft_is_stopped_too() -> None:
    """The part that is judged begins with what was kept."""
    stream = Stream(["One.", " An evil plan.", " More."], ["Two.", " So evil.", " More.", " More."])
    outcome = run(stream, manifesto(EVIL, revision="rewind"))
    assert outcome.attempts[1].text == "One. Two. So evil."
    assert (outcome.attempts[1].continued_from, stream.pulled) == (len("One. "), [3, 3])


def test_each_part_is_judged_once() -> None:
    """At the end of each sentence but the last, and the whole at the end."""
    critic = ScriptedCritic(opinion)
    run(
        Stream(["One", ".", " ", "", "Two", " e.g.", " 3.14", "!", "\n", "\n", "Three", ", ", "end."]),
        manifesto(EVIL),
        critic,
    )
    assert drafts_seen(critic) == ["One.", "One. Two e.g. 3.14!", "One. Two e.g. 3.14!\n\nThree, end."]


def test_a_part_is_mended_before_it_is_judged() -> None:
    """What is redacted in the end stops nothing, and a stopped draft is mended."""
    secret = patterns("secret", "redact", forbid=("evil twin",), replace_with="[gone]")
    outcome = run(Stream(["My evil twin.", " All", " fine."]), manifesto(secret, EVIL))
    assert outcome.answer == "My [gone]. All fine."
    stream = Stream(["My evil twin.", " So evil.", " More."])
    outcome = run(stream, manifesto(secret, EVIL, budget=Budget(attempts=1)))
    first = outcome.attempts[0]
    assert (first.draft, first.text) == ("My evil twin. So evil.", "My [gone]. So evil.")
    assert len(first.redactions) == 1


def test_what_no_reader_sees_is_not_judged_in_a_part_either() -> None:
    """The part is cleaned as the whole is."""
    outcome = run(Stream(["An e\u200bvil plan.", " More", "."]), manifesto(EVIL, budget=Budget(attempts=1)))
    assert (outcome.attempts[0].text, outcome.attempts[0].finish) == ("An evil plan.", "vetoed")


def test_parts_are_on_the_bill_and_not_among_the_attempts() -> None:
    """The ledger counts what the critic read; an observer sees attempts only."""
    seen: list[Attempt] = []
    stream = Stream(["One.", " Two.", " Three."])
    loop = Loop(stream, ScriptedCritic(opinion), manifesto(EVIL))
    outcome = loop(Exchange((Message("user", "Write."),)), observe=seen.append)
    assert [attempt.text for attempt in seen] == ["One. Two. Three."]
    assert outcome.cost.critic == Usage(3, 0)


def test_a_critic_of_parts_cannot_overspend() -> None:
    """The draft is cut off after the piece with which the tokens ran out."""
    stream = Stream(["One."] + [" Next."] * 50)
    outcome = run(stream, manifesto(EVIL, budget=Budget(tokens=20)), ScriptedCritic(opinion))
    assert (outcome.status, outcome.stop_reason, outcome.attempts) == ("withheld", "tokens", ())
    assert outcome.cost.generator.total + outcome.cost.critic.total <= 21


def test_a_critic_of_parts_cannot_overrun_the_budgets_time() -> None:
    """It is left behind, and the draft is cut off."""
    done = threading.Event()

    def slow(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        done.wait(20)
        return [Finding(rule.id, "c", 1.0) for rule in rules]

    stream = Stream(["One.", " Two.", " Three."])
    outcome = run(stream, manifesto(EVIL, budget=Budget(seconds=0.2)), slow)
    done.set()
    assert (outcome.stop_reason, stream.pulled, stream.closed) == ("seconds", [2], 1)


# --- Which rules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"forbid": (r"\bevil\b",), "forbid_words": ("bad",), "case_sensitive": True, "replace_with": "x"}, True),
        ({"words": Length(at_most=9), "characters": Length(at_most=99), "sentences": Length(at_most=3)}, True),
        ({"forbid_words": ("evil",), "require": ("x",)}, False),
        ({"forbid_words": ("evil",), "require_words": ("x",)}, False),
        ({"forbid_words": ("evil",), "languages": ("en",)}, False),
        ({"forbid_words": ("evil",), "sentences": Length(at_least=2)}, False),
        ({"forbid_words": ("evil",), "words": Length(at_least=1, at_most=9)}, False),
        ({"forbid": ("evil", r"(?m)\.$")}, False),
        ({"forbid": (r"evil\z",)}, False),
        ({"forbid": (r"evil.\B",)}, False),
    ],
)
def test_patterns_are_watched_where_a_part_that_breaks_them_breaks_the_whole(
    options: dict[str, Any], expected: bool
) -> None:
    """What is asked for may still come, and what ends the text may still be followed."""
    assert bool(watched(manifesto(patterns(**options)))) is expected


def test_every_critic_of_a_rule_must_be_one_that_is_watched() -> None:
    """One that cannot be asked about a part leaves the rule to the end; so does a rule for input."""
    rules = [
        judged("personal-data").model_copy(update={"personal_data": PersonalData()}),
        judged("personal-data", "judge"),
        judged("patterns"),
        judged("personal-data").model_copy(update={"applies_to": "input"}),
    ]
    under = manifesto(*rules)
    assert watched(under) == (rules[0],)
    assert watched(under, model=True) == (rules[0], rules[1])


@pytest.mark.parametrize(
    "redact",
    [patterns("r", "redact", forbid=("x",), require=("y",)), judged("my.module:critic", action="redact")],
)
def test_nothing_is_watched_that_could_not_be_mended_first(redact: Rule) -> None:
    """A part that is not mended as the whole would be must not stop a draft."""
    assert watched(manifesto(redact, EVIL), model=True) == ()


def test_no_end_of_a_sentence_is_overlooked() -> None:
    """Every character after which `sentences` sees a new one makes the watch look."""
    ends = [char for char in map(chr, range(0x10000)) if len(sentences(f"One{char} Two")) == 2]
    assert len(ends) > 20
    assert [char for char in ends if Watch().finished(f"One{char} Two", f"{char} Two") is None] == []
