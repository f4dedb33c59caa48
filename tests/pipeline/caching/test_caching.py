"""After an edit of a manifesto only what the edit touches is done again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from critics import (
    Budget,
    Critic,
    Exchange,
    Finding,
    Judge,
    Manifesto,
    Message,
    ModelError,
    Panel,
    Rule,
    ScriptedCritic,
    ScriptedJudgeModel,
    Span,
    ToolCall,
    Usage,
)
from pipeline import (
    DraftOptions,
    DraftRequest,
    Form,
    ModelUnavailable,
    Piece,
    Pieces,
    Pipeline,
    ScriptedGenerator,
    Tool,
    Tools,
)
from pipeline.caching import CachingCritic, CachingGenerator, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache.sqlite") as opened:
        yield opened


class Asked:
    """A critic that remembers which rules it was asked about."""

    def __init__(self, probability: float = 0.4) -> None:
        self.rules: list[str] = []
        self._probability = probability

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        self.rules += [rule.id for rule in rules]
        return [
            Finding(rule.id, "m", self._probability, "why", (Span(1, 2),), ("x",), Usage(3, 4), 0.3) for rule in rules
        ]


def rule(id: str = "calm", **more: object) -> Rule:
    return Rule.model_validate_json(json.dumps({"id": id, "statement": f"{id}.", "critics": ["m"], **more}))


def pipeline(store: Store, generator: ScriptedGenerator, critic: Critic, *rules: Rule, attempts: int = 3) -> Pipeline:
    manifesto = Manifesto(name="m", version="1", rules=rules, budget=Budget(attempts=attempts))
    cached = CachingCritic(critic, store, identity="m")
    return Pipeline(manifesto, Panel({"m": cached}, seconds=None), CachingGenerator(generator, store))


def test_another_threshold_costs_nothing(store: Store) -> None:
    """No draft and no judgement, and the outcome goes by the new threshold; so with weight, action, advice."""
    generator, critic = ScriptedGenerator(["one", "two"]), Asked(0.4)
    first = pipeline(store, generator, critic, rule()).ask("p", seed=1)
    edited = rule(threshold=0.3, weight=3, action="veto", advice="Be calm.")
    again = pipeline(store, generator, critic, edited, attempts=1).ask("p", seed=1)
    assert (first.status, again.status) == ("released", "withheld")
    assert len(generator.requests) == 1
    assert critic.rules == ["calm"]
    assert again.attempts[0].draft == first.attempts[0].draft
    assert again.cost.generator == first.cost.generator
    assert again.cost.critic == first.cost.critic


def test_a_finding_comes_back_whole(store: Store) -> None:
    """With its critique, spans, mend and usage."""
    exchange, critic = Exchange((Message("user", "q"),), "draft"), Asked()
    cached = CachingCritic(critic, store, identity="m")
    assert cached(exchange, [rule()]) == cached(exchange, [rule()])
    assert critic.rules == ["calm"]


def test_a_new_rule_judges_only_that_rule(store: Store) -> None:
    """And the draft is there already."""
    generator, critic = ScriptedGenerator(["one", "two"]), Asked()
    pipeline(store, generator, critic, rule()).ask("p", seed=1)
    pipeline(store, generator, critic, rule(), rule("kind")).ask("p", seed=1)
    assert critic.rules == ["calm", "kind"]
    assert len(generator.requests) == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"statement": "Other."},
        {"applies_to": "input"},
        {"examples": [{"text": "a", "breaks": True}]},
        {"guard": {"criterion": "c"}},
        {"remote": {"categories": ["c"]}},
    ],
)
def test_a_rule_that_says_something_else_is_judged_anew(store: Store, edit: dict[str, Any]) -> None:
    """Whatever of it a critic goes by."""
    exchange, critic = Exchange((Message("user", "q"),), "draft"), Asked()
    cached = CachingCritic(critic, store, identity="m")
    cached(exchange, [rule()])
    cached(exchange, [rule(**edit)])
    assert critic.rules == ["calm", "calm"]


def test_another_exchange_or_critic_is_judged_anew(store: Store) -> None:
    """Another draft, prompt or source, and another model or manifesto's beliefs."""
    critic = Asked()
    turns = (Message("user", "q"),)
    for identity in ("one", "other"):
        cached = CachingCritic(critic, store, identity=identity)
        for exchange in (Exchange(turns, "a"), Exchange(turns, "b"), Exchange(turns), Exchange((), "a")):
            cached(exchange, [rule()])
    assert len(critic.rules) == 8


def test_undecided_is_never_remembered(store: Store) -> None:
    """Nor what was judged in part, which says nothing by another threshold: the next run asks again."""
    exchange = Exchange((Message("user", "q"),), "draft")
    findings = [Finding("calm", "m", None), Finding("calm", "m", 0.9, in_part=True), Finding("calm", "m", 0.2)]
    asked = iter(findings)
    cached = CachingCritic(lambda exchange, rules: [next(asked)], store, identity="m")
    assert [cached(exchange, [rule()])[0] for _ in range(4)] == [*findings, findings[-1]]


def test_a_breach_without_its_critique_is_never_remembered(store: Store) -> None:
    """The judge failed at it, and may say it the next time; then that is what is kept."""
    model = ScriptedJudgeModel(readings=[{"yes": 0.9, "no": 0.1}] * 2, writings=[ModelError("busy"), "It shouts."])
    cached = CachingCritic(Judge(model), store, identity="judge")
    exchange = Exchange((Message("user", "p"),), "DRAFT")
    assert [cached(exchange, [rule()])[0].critique for _ in range(3)] == ["", "It shouts.", "It shouts."]


def test_a_critic_that_breaks_leaves_what_is_known(store: Store) -> None:
    """What was found before holds; the rest is undecided, and is asked again."""
    exchange = Exchange((Message("user", "q"),), "draft")
    CachingCritic(Asked(), store, identity="m")(exchange, [rule()])

    def broken(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        raise ModelError("gone")

    cached = CachingCritic(broken, store, identity="m")
    known, unknown = cached(exchange, [rule(), rule("kind")])
    assert (known.probability, unknown.probability) == (0.4, None)
    assert "gone" in unknown.critique
    with pytest.raises(ModelError):
        cached(exchange, [rule("kind")])


def request(prompt: str = "p", **more: object) -> DraftRequest:
    return DraftRequest(**{"messages": (Message("user", prompt),), "seed": 1, **more})  # type: ignore[arg-type]


def test_a_draft_comes_back_piece_by_piece(store: Store) -> None:
    """As it was written, with what each piece cost: the loop and its budget go the same way."""
    generator = ScriptedGenerator(["one two", "three"])
    cached = CachingGenerator(generator, store)
    assert list(cached(request())) == list(cached(request()))
    assert len(generator.requests) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "q"},
        {"seed": 2},
        {"continues": "one"},
        {"options": DraftOptions(temperature=0.1)},
        {"options": DraftOptions(max_tokens=5)},
        {"options": DraftOptions(tools=Tools((Tool("look"),)))},
        {"options": DraftOptions(form=Form())},
    ],
)
def test_another_question_is_drafted(store: Store, other: dict[str, object]) -> None:
    """Another prompt, seed, beginning or option; another model, too."""
    generator = ScriptedGenerator(["one", "two", "three"])
    cached = CachingGenerator(generator, store, identity="a")
    list(cached(request()))
    list(cached(request(**other)))  # type: ignore[arg-type]
    list(CachingGenerator(generator, store, identity="b")(request()))
    assert len(generator.requests) == 3


def test_a_draft_that_calls_a_tool_comes_back_with_its_call(store: Store) -> None:
    """Else what was released the first time would be empty the second."""
    calls = (ToolCall("look", '{"at": "the map"}', "1"),)
    generator = ScriptedGenerator([Message("assistant", "I look.", calls), "never asked"])
    cached = CachingGenerator(generator, store)
    wanted = request(options=DraftOptions(tools=Tools((Tool("look"),))))
    assert list(cached(wanted)) == (again := list(cached(wanted)))
    assert (again[-1].calls, len(generator.requests)) == (calls, 1)


def test_a_beginning_of_json_is_not_gone_on_from(store: Store) -> None:
    """Whoever keeps to a form begins at its beginning."""
    generator = ScriptedGenerator(['{"a": 1}', '{"a": 2}'], can_continue=True)
    cached = CachingGenerator(generator, store)
    wanted = request(options=DraftOptions(form=Form()))
    pieces = cached(wanted)
    assert [next(pieces).text for _ in range(2)] == ["", '{"a":']
    pieces.close()
    assert "".join(piece.text for piece in cached(wanted)) == '{"a": 2}'
    assert generator.requests[1].continues == ""


def test_a_draft_that_the_budget_cut_is_no_whole_draft(store: Store) -> None:
    """With more tokens left it is drafted on; one that fits is given."""
    generator = ScriptedGenerator(["a b c d e f", "g h"], can_continue=True)
    cached = CachingGenerator(generator, store)
    whole = "".join(piece.text for piece in cached(request(max_tokens=100)))
    assert "".join(piece.text for piece in cached(request(max_tokens=7))) == whole
    assert len(generator.requests) == 1
    list(cached(request(max_tokens=6)))
    assert len(generator.requests) == 2


def test_a_draft_that_nobody_wanted_to_its_end_is_gone_on_with(store: Store) -> None:
    """Its beginning costs nothing again; whoever wants more of it gets more, from where it stopped."""
    generator = ScriptedGenerator(["a b c", "d e"], can_continue=True)
    cached = CachingGenerator(generator, store)
    pieces = cached(request())
    assert [next(pieces).text for _ in range(3)] == ["", "a", " b"]
    pieces.close()
    again = cached(request())
    assert [next(again).text for _ in range(3)] == ["", "a", " b"]
    assert len(generator.requests) == 1
    rest = "".join(piece.text for piece in again)
    assert (generator.requests[1].continues, rest) == ("a b", "d e")
    assert "".join(piece.text for piece in cached(request())) == "a bd e"
    assert len(generator.requests) == 2


def test_a_draft_that_has_ended_is_not_gone_on_with(store: Store) -> None:
    """Also where whoever read it left with its last piece, as a budget that is spent by it does."""
    generator = ScriptedGenerator(["a b", "more"], can_continue=True)
    cached = CachingGenerator(generator, store)
    pieces = cached(request())
    while next(pieces).finish is None:
        pass
    pieces.close()
    assert "".join(piece.text for piece in cached(request())) == "a b"
    assert len(generator.requests) == 1


def test_a_whole_draft_is_not_forgotten_for_half_of_it(store: Store) -> None:
    """A tighter budget does not take from a later run what was paid for."""
    generator = ScriptedGenerator(["a b c d", "a b"], can_continue=True)
    cached = CachingGenerator(generator, store)
    whole = list(cached(request()))
    list(cached(request(max_tokens=2)))
    assert list(cached(request())) == whole
    assert len(generator.requests) == 2


def test_a_generator_that_cannot_go_on_is_asked_anew(store: Store) -> None:
    """Half a draft of it is worth nothing."""
    generator = ScriptedGenerator(["a b c"], can_continue=False)
    cached = CachingGenerator(generator, store)
    pieces = cached(request())
    next(pieces)
    next(pieces)
    pieces.close()
    assert "".join(piece.text for piece in cached(request())) == "a b c"
    assert len(generator.requests) == 2


@pytest.mark.parametrize("by", ["stop", "deadline"])
def test_a_draft_that_ends_because_nobody_waits_is_not_whole(store: Store, by: str) -> None:
    """Its generator heeded that, and what was to come is written when it is asked for again."""

    class Heeding(ScriptedGenerator):
        def __call__(self, request: DraftRequest) -> Pieces:
            for piece in super().__call__(request):
                if request.time_left == 0.0:
                    return
                yield piece

    stop, deadline = threading.Event(), time.monotonic() + 0.05
    cached = CachingGenerator(Heeding(["a b c", " b c"]), store)
    pieces = cached(request(stop=stop) if by == "stop" else request(deadline=deadline))
    next(pieces)
    text = next(pieces).text
    stop.set()
    time.sleep(max(0.0, deadline - time.monotonic()))
    assert text + "".join(piece.text for piece in pieces) == "a"
    assert "".join(piece.text for piece in cached(request())) == "a b c"


def test_a_draft_that_says_nothing_is_not_remembered(store: Store) -> None:
    """Neither text nor a call nor why it ended: it was lost on its way. One that is empty on purpose is."""

    class Lost(ScriptedGenerator):
        def __call__(self, request: DraftRequest) -> Pieces:
            pieces = list(super().__call__(request))
            yield from pieces if len(self.requests) > 1 else ()

    generator = Lost(["lost", "here"])
    cached = CachingGenerator(generator, store)
    assert ["".join(piece.text for piece in cached(request())) for _ in range(3)] == ["", "here", "here"]
    empty = CachingGenerator(ScriptedGenerator([""]), store, identity="empty")
    assert list(empty(request())) == list(empty(request()))
    assert store.found["drafts"] == 2


def test_a_draft_that_failed_is_not_remembered(store: Store) -> None:
    """The next run may have more luck."""

    class Failing:
        name = "failing"
        can_continue = True

        def __call__(self, request: DraftRequest) -> Pieces:
            yield Piece("a")
            raise ModelUnavailable("gone")

    cached = CachingGenerator(Failing(), store)
    for _ in range(2):
        pieces = cached(request())
        assert next(pieces).text == "a"
        with pytest.raises(ModelUnavailable):
            next(pieces)
    assert store.stored().entries == 0


def test_a_pipeline_with_a_cache_is_the_pipeline_without(store: Store) -> None:
    """Revisions, vetoes and all, the first time and the second."""

    def outcome(cached: bool) -> list[tuple[str, str]]:
        generator = ScriptedGenerator(["bad one", "bad two", "good"])
        critic = ScriptedCritic(lambda draft, rule: float("bad" in draft), name="m")
        own = pipeline(store, generator, critic, rule())
        if not cached:
            own = Pipeline(own.manifesto, Panel({"m": critic}, seconds=None), generator)
        return [(attempt.draft, attempt.verdict.outcome) for attempt in own.ask("p", seed=3).attempts]

    assert outcome(False) == outcome(True) == outcome(True)
