"""Drafting and judging on one engine, with the parts as the assembly puts them together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from critics import Budget, Exchange, Judge, Manifesto, Message, Rule
from pipeline import DraftRequest, Settings, assemble, load_settings
from pipeline.llama import Engine, LlamaGenerator, LlamaJudgeModel, LlamaModel

PROMPT = "Tell me a long story about a ferry."
STATEMENTS = (
    "The answer uses no business jargon.",
    "The answer insults nobody.",
    "The answer gives no medical advice.",
    "The answer promises nothing.",
    "The answer names no company.",
    "The answer is about the question.",
    "The answer holds no personal data.",
    "The answer is not in capitals.",
)
RULES = [Rule(id=f"rule-{i}", statement=s, critics=("judge",), action="veto") for i, s in enumerate(STATEMENTS)]


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    """An engine whose counts nobody else changes."""
    engine = Engine(model, context=1024, threads=2)
    yield engine
    engine.close()


def settings(**judge: object) -> Settings:
    flags = {"optimise": False, "judge": judge, "generator": {"max_tokens": 120, "context": 1024}}
    return load_settings(flags=flags)


def manifesto(threshold: float) -> Manifesto:
    rule = RULES[0].model_copy(update={"threshold": threshold})
    return Manifesto(name="one", version="1", budget=Budget(attempts=1), rules=(rule,))


def test_a_veto_by_the_model_stops_the_draft_at_a_sentence() -> None:
    """With a threshold that any draft reaches, the first sentence is the last."""
    ego = assemble(manifesto(0.001), settings(while_writing=True))
    outcome = ego.ask(PROMPT, seed=1)
    (attempt,) = outcome.attempts
    assert (outcome.status, attempt.finish) == ("withheld", "vetoed")
    assert attempt.usage.completion_tokens < 120
    assert attempt.text.rstrip().endswith((".", "!", "?", ":", '"'))


def test_without_the_setting_it_is_judged_when_it_is_done() -> None:
    """The same rule, the same seed: the draft is written to its end first."""
    (attempt,) = assemble(manifesto(0.001), settings()).ask(PROMPT, seed=1).attempts
    assert attempt.finish == "length"
    assert attempt.usage.completion_tokens == 120


def drafted(engine: Engine, seed: int) -> tuple[tuple[Message, ...], str]:
    asked = (Message("user", PROMPT),)
    pieces = LlamaGenerator(engine, max_tokens=100)(DraftRequest(asked, seed))
    return asked, "".join(piece.text for piece in pieces)


def test_in_place_only_the_rules_are_read(own: Engine) -> None:
    """Prompt and draft are in the cache from the writing: eight rules cost some ten tokens each."""
    judge = Judge(LlamaJudgeModel(own), rules=RULES, critiques=False, in_place=True)
    asked, draft = drafted(own, 2)
    before = own.counts
    findings = judge(Exchange(asked, draft), RULES)
    assert own.counts.read - before.read < 8 * 12
    assert all(finding.probability is not None for finding in findings)


def test_in_place_and_apart_judge_the_same_draft(own: Engine) -> None:
    """Two ways to ask, of which in place reads less; the generator's own conversation is not changed by it."""
    asked, draft = drafted(own, 3)
    read = []
    for in_place in (True, False):
        judge = Judge(LlamaJudgeModel(own), rules=RULES, critiques=False, in_place=in_place)
        before = own.counts
        findings = judge(Exchange(asked, draft), RULES)
        read.append(own.counts.read - before.read)
        assert [finding.rule for finding in findings] == [rule.id for rule in RULES]
        assert all(finding.probability is not None and 0 < finding.probability < 1 for finding in findings)
    assert read[0] < read[1]
    again = drafted(own, 3)[1]
    assert again[:40] == draft[:40]


def test_a_growing_draft_is_read_on_from_where_it_was(own: Engine) -> None:
    """Judged sentence by sentence, it costs the new sentence, the end of the fence and the rules."""
    judge = Judge(LlamaJudgeModel(own), rules=RULES[:2], critiques=False)
    asked, sentence = (Message("user", PROMPT),), "The ferry left at seven, when the harbour was still grey. "
    judge(Exchange(asked, sentence * 4), RULES[:2])
    before = own.counts
    judge(Exchange(asked, sentence * 5), RULES[:2])
    assert own.counts.read - before.read < len(own.model.tokenise(sentence, False)) + 30 + 2 * 10
