"""What a save changes, the cheapest first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from critics import Example, Manifesto, Message, Rule
from pipeline import ModelFault, ScriptedGenerator
from pipeline.identity.steer.probes import build_prompts
from pipeline.tuning import (
    Answered,
    Began,
    Difference,
    Edit,
    Ended,
    Event,
    Looped,
    ProbePrompt,
    Rate,
    Spent,
    Working,
    prompts_of,
)
from pipeline.tuning.prompts import BUILT_IN, MOST_EXAMPLES
from tests.pipeline.tuning.desk import PROMPTS, Desk, Gate, rule, words

DRAFTS = ["Good day. kind:0.4 calm:0.1", "Well, well. kind:0.2 calm:0.1"]


def passed(ended: Ended | None) -> tuple[int, int]:
    assert ended is not None
    return ended.after.passed, ended.after.of


def desk(folder: Path, *drafts: str | Message | ModelFault, told: bool = False, loop: bool = False) -> Desk:
    return Desk(folder, ScriptedGenerator(drafts or DRAFTS), told=told, loop=loop)


def test_the_first_time_each_answer_is_told(tmp_path: Path) -> None:
    """With its draft, whether it passes and which rules it breaks."""
    ours = desk(tmp_path)
    ended = ours.run(rule("kind", "threshold: 0.3"))
    one, two = ours.of(Answered)
    assert (one.prompt, one.result.text, one.result.passed) == (PROMPTS[0], DRAFTS[0], False)
    assert [j.rule.id for j in one.result.verdict.broken] == ["kind"]
    assert two.result.passed
    assert not ours.of(Difference)
    assert ended is not None
    assert (ended.before, ended.after, ended.spent) == (None, Rate(1, 2), Spent(2, 2))


def test_a_threshold_costs_nothing(tmp_path: Path) -> None:
    """No draft, no question to a critic, and it is told which rule is mended and how many pass now."""
    ours = desk(tmp_path)
    ours.run(rule("kind", "threshold: 0.3"))
    ours.critic.asked.clear()
    ended = ours.run(rule("kind", "threshold: 0.5"))
    (told,) = ours.of(Difference)
    assert (told.number, told.by, told.mended, told.broken, told.passed) == (1, "kept", ("kind",), (), (False, True))
    assert ours.of(Began)[0].edited == (Edit("threshold 0.3 → 0.5", "kind"),)
    assert ended is not None
    assert (ended.before, ended.after, ended.spent) == (Rate(1, 2), Rate(2, 2), Spent())
    assert ours.critic.asked == []
    assert not ours.of(Working)


def test_of_a_new_rule_only_that_is_judged(tmp_path: Path) -> None:
    """Once for each answer that is there already."""
    ours = desk(tmp_path)
    ours.run(rule("kind"))
    ours.critic.asked.clear()
    ended = ours.run(rule("kind") + rule("calm", "threshold: 0.05"))
    assert [(told.by, [j.rule.id for j in told.broken]) for told in ours.of(Difference)] == [("judged", ["calm"])] * 2
    assert ours.critic.asked == ["calm", "calm"]
    assert ended is not None
    assert ended.spent == Spent(0, 2)


def test_what_is_known_is_told_before_a_critic_is_asked(tmp_path: Path) -> None:
    """A threshold and a new rule in one save: the first difference waits for nobody."""
    asked: list[tuple[str, int]] = []

    def hear(event: Event) -> None:
        if isinstance(event, Difference):
            asked.append((event.by, len(ours.critic.asked)))

    ours = Desk(tmp_path, ScriptedGenerator(DRAFTS), heard=hear)
    ours.run(rule("kind"))
    before = len(ours.critic.asked)
    ours.run(rule("kind", "threshold: 0.3") + rule("calm", "threshold: 0.05"))
    assert asked[0] == ("kept", before)
    assert [by for by, _ in asked[1:]] == ["judged", "judged"]
    first, second, _ = ours.of(Difference)
    assert (first.passed, first.settled) == ((True, False), False)
    assert [j.rule.id for j in second.broken] == ["calm"]


def test_while_something_is_open_it_is_not_said_that_an_answer_passes(tmp_path: Path) -> None:
    """The mended rule is told at once, and whether the answer passes when the new rule is judged."""
    ours = desk(tmp_path)
    ours.run(rule("kind", "threshold: 0.3"))
    ours.run(rule("kind", "threshold: 0.5") + rule("calm"))
    first, second = (told for told in ours.of(Difference) if told.number == 1)
    assert (first.mended, first.passed) == (("kind",), (False, None))
    assert (second.broken, second.passed) == ((), (False, True))


def test_other_words_for_the_generator_are_other_answers(tmp_path: Path) -> None:
    """Where it is told the manifesto: the old answers are weighed first, then drafted anew."""
    ours = desk(tmp_path, *DRAFTS, "Good morning. kind:0.4", "Well. kind:0.9", told=True)
    ours.run(rule("kind"))
    ended = ours.run(rule("kind", "threshold: 0.3", "advice: Be kind."))
    assert [(told.by, told.number, told.rewritten) for told in ours.of(Difference)] == [
        ("kept", 1, False),
        ("drafted", 1, True),
        ("drafted", 2, True),
    ]
    assert ours.of(Difference)[1].before.text == DRAFTS[0]
    assert ours.of(Difference)[1].after.text == "Good morning. kind:0.4"
    assert ended is not None
    assert ended.spent == Spent(2, 2)


def test_an_edit_that_is_taken_back_brings_back_the_old_answers(tmp_path: Path) -> None:
    """They are kept, and no model is asked."""
    ours = desk(tmp_path, *DRAFTS, "Other.", told=True)
    ours.run(rule("kind"))
    ours.run(rule("kind", "advice: Be kind."))
    ended = ours.run(rule("kind"))
    assert [(told.by, told.after.text) for told in ours.of(Difference)] == [("kept", text) for text in DRAFTS]
    assert ended is not None
    assert ended.spent == Spent()


def test_where_nothing_is_told_drafts_stay(tmp_path: Path) -> None:
    """Without an identity the generator never saw the advice."""
    ours = desk(tmp_path)
    ours.run(rule("kind"))
    ended = ours.run(rule("kind", "advice: Be kind."))
    assert (ended and ended.differences, ended and ended.spent) == (0, Spent())
    assert ours.of(Began)[0].edited == (Edit("advice", "kind"),)


def test_a_rule_that_is_taken_out_is_not_broken_any_more(tmp_path: Path) -> None:
    """It is among the mended ones."""
    ours = desk(tmp_path)
    ours.run(rule("kind", "threshold: 0.3") + words("never"))
    ended = ours.run(words("never"))
    (told,) = ours.of(Difference)
    assert told.mended == ("kind",)
    assert ours.of(Began)[0].edited == (Edit("rule taken out", "kind"),)
    assert passed(ended) == (2, 2)


def test_what_cannot_be_judged_is_no_pass(tmp_path: Path) -> None:
    """And is told as undecided, at the end of the judging and once."""
    ours = desk(tmp_path, "kind:? words", "fine")
    ours.run(words("other"))
    ended = ours.run(words("other") + rule("kind"))
    (told,) = ours.of(Difference)
    assert [j.rule.id for j in told.undecided] == ["kind"]
    assert passed(ended) == (1, 2)
    ended = ours.run(words("other") + rule("kind"))
    assert not ours.of(Difference)
    assert passed(ended) == (1, 2)


def test_a_veto_does_not_cut_a_draft_short(tmp_path: Path) -> None:
    """The next edit may let it pass, and then all of it is judged."""
    text = "Bad beginning. And then it goes on. And on."
    ours = desk(tmp_path, text)
    ours.run(words("bad", "action: veto"))
    assert {told.result.text for told in ours.of(Answered)} == {text}
    ended = ours.run(words("good", "action: veto"))
    assert (passed(ended), ended and ended.spent) == ((2, 2), Spent())


def test_an_answer_is_shown_as_it_would_be_mended(tmp_path: Path) -> None:
    """By a rule that redacts, and an edit of that rule is a difference of the text."""
    ours = desk(tmp_path, "A bad word.")
    ours.run(words("good", "action: redact"))
    ended = ours.run(words("bad", "action: redact"))
    changed = {(told.before.text, told.after.text) for told in ours.of(Difference)}
    assert changed == {("A bad word.", "A [removed] word.")}
    assert passed(ended) == (2, 2)


def test_rules_for_what_is_asked_count_as_well(tmp_path: Path) -> None:
    """A prompt that breaks one is not answered, whatever its draft would be worth."""
    ours = desk(tmp_path)
    ended = ours.run(words("one", "applies_to: input", "action: veto") + rule("kind"))
    assert passed(ended) == (1, 2)
    assert [[j.rule.id for j in told.result.judgements if j.outcome == "broken"] for told in ours.of(Answered)] == [
        ["words"],
        [],
    ]


def test_a_score_that_is_too_low_is_no_pass(tmp_path: Path) -> None:
    """Though no rule is broken; `release` is one of the things that cost nothing to change."""
    ours = desk(tmp_path)
    ours.run(rule("kind"))
    ended = ours.run(rule("kind"), more="release: 0.7")
    (told,) = ours.of(Difference)
    assert (told.number, told.broken, told.passed) == (1, (), (True, False))
    assert ended is not None
    assert ended.spent == Spent()


def test_a_model_that_fails_is_told_and_asked_again(tmp_path: Path) -> None:
    """At the next save; the answers that are there are not lost."""
    ours = desk(tmp_path, DRAFTS[0], ModelFault("out of reach"), DRAFTS[1])
    ended = ours.run(rule("kind"))
    assert (passed(ended), ended and ended.faulted) == ((1, 2), 1)
    assert [told.result.fault for told in ours.of(Answered)] == ["", "out of reach"]
    ended = ours.run(rule("kind"))
    (told,) = ours.of(Difference)
    assert (told.number, told.after.text, ended and ended.faulted) == (2, DRAFTS[1], 0)


@pytest.mark.parametrize("worse", [ModelFault("out of reach"), "  "])
def test_where_nothing_is_judged_nothing_is_mended(tmp_path: Path, worse: str | ModelFault) -> None:
    """A draft that failed, or is empty, breaks no rule by its words; that is no merit."""
    ours = desk(tmp_path, "bad", "bad", worse, worse, told=True)
    ours.run(words("bad"))
    ours.run(words("bad", "advice: Be good."))
    assert [(told.by, told.mended, told.passed) for told in ours.of(Difference)] == [
        ("drafted", (), (False, False))
    ] * 2


def test_a_run_that_is_stopped_tells_nothing_more(tmp_path: Path) -> None:
    """What it had told stands, and the newest run makes up the rest."""
    gate, stop = Gate(), threading.Event()
    ours = Desk(tmp_path, gate)
    done: list[Ended | None] = []
    running = threading.Thread(target=lambda: done.append(ours.run(words("good"), stop)))
    running.start()
    assert gate.waits.wait(30)
    stop.set()
    running.join(30)
    assert done == [None]
    assert [told.number for told in ours.of(Answered)] == [1]
    ended = ours.run(words("bad"))
    assert [told.number for told in ours.of(Difference)] == [1]
    assert [(told.number, told.result.text) for told in ours.of(Answered)] == [(2, "Bad words.")]
    assert passed(ended) == (0, 2)


def test_the_loop_tells_what_is_released(tmp_path: Path) -> None:
    """Behind the first drafts: once for each prompt, and again only where it ends otherwise."""
    ours = desk(tmp_path, "bad", "fine", loop=True)
    ended = ours.run(words("bad"), more="budget: {attempts: 2}")
    assert [(told.number, told.after.status, len(told.after.attempts)) for told in ours.of(Looped)] == [
        (1, "released", 2),
        (2, "released", 1),
    ]
    assert (passed(ended), ended and ended.released) == ((1, 2), Rate(2, 2))
    ended = ours.run(words("bad"), more="budget: {attempts: 1}")
    (told,) = ours.of(Looped)
    assert (told.number, told.before and told.before.status, told.after.status) == (1, "released", "withheld")
    assert (ended and ended.released_before, ended and ended.released) == (Rate(2, 2), Rate(1, 2))
    assert ended is not None
    assert ended.spent.drafts == 0


def test_a_model_that_fails_at_a_revision_is_counted(tmp_path: Path) -> None:
    """Though all first drafts are there."""
    ours = desk(tmp_path, "bad", "bad", ModelFault("out of reach"), loop=True)
    ended = ours.run(words("bad"))
    assert (ended and ended.faulted, [told.after.status for told in ours.of(Looped)]) == (2, ["faulted"] * 2)


def test_prompts_are_those_of_the_examples(tmp_path: Path) -> None:
    """Each once and not too many; and without any, a few of everybody's."""
    ours = desk(tmp_path)
    ours.write(rule("kind"))
    assert [prompt.text for prompt in prompts_of(ours.made().pipeline.manifesto)] == list(BUILT_IN)
    examples = ", ".join(f"{{text: x, breaks: true, prompt: p{i // 2}}}" for i in range(40))
    ours.write(rule("kind", f"examples: [{examples}]"))
    found = prompts_of(ours.made().pipeline.manifesto)
    assert found == tuple(ProbePrompt.of(f"p{i}") for i in range(MOST_EXAMPLES))


def test_every_rule_has_some_of_its_prompts_asked() -> None:
    """Also where those before it have more than are taken."""
    rules = [
        Rule(
            id=id, statement="S.", examples=tuple(Example(text="t", breaks=False, prompt=f"{id}{i}") for i in range(8))
        )
        for id in "abc"
    ]
    found = [prompt.text for prompt in prompts_of(Manifesto(name="m", version="1", rules=tuple(rules)))]
    assert found == [f"{id}{i}" for i in range(MOST_EXAMPLES // 3) for id in "abc"]


def test_a_rate_over_other_prompts_is_no_rate_before(tmp_path: Path) -> None:
    """Nor is what was told of some of them, where a save came in between: there it is not said what has changed."""
    prompts = [*PROMPTS]
    ours = Desk(tmp_path, ScriptedGenerator(DRAFTS), prompts=prompts)
    ours.run(rule("kind", "threshold: 0.3"))
    prompts[0] = ProbePrompt.of("three")
    ended = ours.run(rule("kind", "threshold: 0.3", "weight: 2"))
    assert ended is not None
    assert (ended.before, ended.after.of, ended.differences) == (None, 2, 0)
    again = ours.run(rule("kind", "threshold: 0.3", "weight: 3"))
    assert again is not None
    assert again.before == ended.after


def test_no_identity_is_built_from_the_built_in_prompts() -> None:
    """One would show at its best with them."""
    assert build_prompts()
    assert not set(BUILT_IN) & set(build_prompts())
