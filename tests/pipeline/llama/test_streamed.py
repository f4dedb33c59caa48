"""Answers shown sentence by sentence, drafted and judged on one engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from critics import Budget, Exchange, Finding, Judge, Manifesto, Message, Rule
from pipeline import Answer, DraftOptions, Loop, Settings, assemble, load_settings
from pipeline.llama import Engine, LlamaGenerator, LlamaJudgeModel, LlamaModel

EXCHANGE = Exchange((Message("user", "Tell me a story about a ferry, in five short sentences."),))
KIND = Rule(id="kind", statement="The answer insults nobody.", critics=("judge",), advice="Be kind.")
MANIFESTO = Manifesto(name="m", version="1", rules=(KIND,), stream="sentence", budget=Budget(attempts=2))


@pytest.fixture(scope="module")
def own(model: LlamaModel) -> Iterator[Engine]:
    """An engine whose counts nobody else changes."""
    engine = Engine(model, context=1024, threads=2)
    yield engine
    engine.close()


class Watched:
    """The judge on the engine, which is asked, and overruled: the rule is broken where the test says so. Remembers the
    drafts, and how many tokens were read for each."""

    def __init__(self, engine: Engine, *, breaks: int = 0) -> None:
        self._judge = Judge(LlamaJudgeModel(engine), rules=[KIND], critiques=False)
        self._engine = engine
        self._breaks = breaks
        self.drafts: list[str] = []
        self.read: list[int] = []

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        before = self._engine.counts.read
        self._judge(exchange, rules)
        self.drafts.append(exchange.judged)
        self.read.append(self._engine.counts.read - before)
        return [Finding(rule.id, "judge", float(len(self.drafts) == self._breaks)) for rule in rules]


def streamed(engine: Engine, critic: Watched) -> Answer:
    return Loop(LlamaGenerator(engine, temperature=0.0, max_tokens=100), critic, MANIFESTO).stream(EXCHANGE, seed=1)


def test_the_judge_reads_a_growing_answer_on_from_where_it_was(own: Engine) -> None:
    """Every sentence is judged with all before it, and costs little more than itself."""
    critic = Watched(own)
    parts = list(streamed(own, critic))
    assert len(parts) > 2
    assert critic.drafts == ["".join(parts[: i + 1]) for i in range(len(parts))]
    tokens = len(own.model.tokenise(critic.drafts[-1], False))
    assert sum(critic.read[1:]) < tokens + 50 * len(parts)


def test_an_answer_is_rewound_and_goes_on_from_what_was_shown(own: Engine) -> None:
    """The second sentence fails once: the first stays, and the model goes on from it."""
    answer = streamed(own, Watched(own, breaks=2))
    parts = list(answer)
    first, second = answer.outcome.attempts
    assert answer.outcome.status == "released"
    assert first.text.startswith(parts[0])
    assert first.text not in answer.shown
    assert (second.text[: second.continued_from].rstrip(), second.text) == (parts[0], "".join(parts))
    assert len(second.text) > second.continued_from > len(parts[0])


def test_an_answer_that_nobody_hears_leaves_the_engine_free(own: Engine) -> None:
    """Cancelled at its first sentence, it writes no more of it."""
    with streamed(own, Watched(own)) as answer:
        first = next(iter(answer))
    assert (answer.shown, answer.outcome.stop_reason) == (first, "cancelled")
    assert Loop(LlamaGenerator(own, max_tokens=4), Watched(own), MANIFESTO)(EXCHANGE).status == "released"


def test_a_pipeline_that_is_left_frees_its_engine() -> None:
    """What is asked of it afterwards is a fault, and closing it again is none."""
    settings: Settings = load_settings(flags={"optimise": False, "generator": {"context": 512}})
    with assemble(MANIFESTO, settings) as ego:
        assert ego.stream("Name a colour.", options=DraftOptions(max_tokens=3)).ended().status != "faulted"
    assert "closed" in ego.ask("Name a colour.").fault
    ego.close()
