"""Heads, their file, and the critic over a scripted model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from critics import (
    Exchange,
    Head,
    Message,
    ModelError,
    Probe,
    ProbeCritic,
    Rule,
    Usage,
    Vector,
    read_probe,
    write_probe,
)
from critics.manifesto.schema import Doubt, Probing

KIND = Rule(id="kind", statement="It is kind.")
CALM = Rule(id="calm", statement="It is calm.")
BORROWED = Rule(id="gentle", statement="It is gentle.", probe=Probing(head="kind"))
PROBE = Probe(
    {"kind": Head(np.array([2, 0], dtype=np.float32), -1.0), "calm": Head(np.array([0, 1], dtype=np.float32), 0.0)},
    (3,),
    "abc",
)


class States:
    """What a model might hold; counts how often it is looked at."""

    def __init__(self, *values: float) -> None:
        self.looks: list[tuple[int, ...]] = []
        self.asked = self._values = np.array(values, dtype=np.float32)
        """Of the request, where that is looked at by itself."""

    def __call__(self, exchange: Exchange, layers: Sequence[int]) -> tuple[Vector, Usage]:
        self.looks.append(tuple(layers))
        return (self.asked if exchange.draft is None else self._values), Usage(7)


def exchange() -> Exchange:
    return Exchange((Message("user", "Hi."),), "Go away.")


def test_one_look_serves_all_rules() -> None:
    """And is paid for once."""
    states = States(1, -2)
    kind, calm = ProbeCritic(states, PROBE)(exchange(), [KIND, CALM])
    assert states.looks == [(3,)]
    assert kind.probability == pytest.approx(1 / (1 + np.exp(-1)))
    assert calm.probability == pytest.approx(1 / (1 + np.exp(2)))
    assert (kind.critique, calm.critique) == ("it looks like what breaks this rule", "")
    assert (kind.usage, calm.usage) == (Usage(7), Usage())


def test_a_rule_may_borrow_a_head() -> None:
    kind, gentle = ProbeCritic(States(1, 0), PROBE)(exchange(), [KIND, BORROWED])
    assert gentle.probability == kind.probability


def test_a_rule_without_a_head_is_undecided() -> None:
    """And where none has one, the model is not asked."""
    states = States(1, 0)
    other = Rule(id="short", statement="It is short.")
    (finding,) = ProbeCritic(states, PROBE)(exchange(), [other])
    assert finding.probability is None
    assert "'short'" in finding.critique
    assert "calm, kind" in finding.critique
    assert not states.looks
    assert [f.probability is None for f in ProbeCritic(states, PROBE)(exchange(), [other, KIND])] == [True, False]


def test_of_several_probes_the_first_that_has_the_head_judges() -> None:
    """One's own come before those that are shipped, and take nothing away from them."""
    own = Probe({"kind": Head(np.array([0, 0], dtype=np.float32), 0.0)}, (5,), "abc")
    states = States(1, -2)
    kind, calm, again = ProbeCritic(states, own, PROBE)(exchange(), [KIND, CALM, BORROWED])
    assert kind.probability == again.probability == 0.5
    assert calm.probability == pytest.approx(1 / (1 + np.exp(2)))
    assert states.looks == [(5,), (3,)]


def wary(head: str = "calm", at_least: float = 0.5) -> Rule:
    doubt = Doubt(head=head, at_least=at_least)
    return Rule(id="kind", statement="It is kind.", probe=Probing(doubt=doubt))


@pytest.mark.parametrize(
    ("asked", "at_least", "doubtful"), [(2, 0.5, True), (-2, 0.5, False), (2, 0.9, False), (np.nan, 0.5, True)]
)
def test_an_answer_to_a_suspect_request_is_judged_with_doubt(asked: float, at_least: float, doubtful: bool) -> None:
    """By its own states as ever; the look at the request is paid for as well, once."""
    states = States(1, -2)
    states.asked = np.array([0, asked], dtype=np.float32)
    plain, kind, again = ProbeCritic(states, PROBE)(exchange(), [CALM, wary("calm", at_least), wary("calm", at_least)])
    assert kind.probability == pytest.approx(1 / (1 + np.exp(-1)))
    assert (plain.doubtful, kind.doubtful, again.doubtful) == (False, doubtful, doubtful)
    assert [finding.usage for finding in (plain, kind, again)] == [Usage(7), Usage(7), Usage()]
    assert states.looks == [(3,), (3,)]


def test_a_request_by_itself_is_not_looked_at_twice() -> None:
    states = States(1, 2)
    (finding,) = ProbeCritic(states, PROBE)(Exchange((Message("user", "Hi."),)), [wary()])
    assert (finding.doubtful, states.looks) == (False, [(3,)])


def test_a_doubt_without_a_head_is_undecided() -> None:
    """It is not taken for trust."""
    (finding,) = ProbeCritic(States(1, 0), PROBE)(exchange(), [wary("loud")])
    assert finding.probability is None
    assert "'loud'" in finding.critique


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=2), st.floats(-1e4, 1e4))
def test_what_comes_out_is_a_probability(values: list[float], intercept: float) -> None:
    head = Head(np.array([3, -5], dtype=np.float32), intercept)
    assert 0 <= head(np.array(values, dtype=np.float32)) <= 1


def test_states_of_another_model_are_refused() -> None:
    with pytest.raises(ValueError, match="for 2 states and was given 3"):
        PROBE.heads["kind"](np.zeros(3, dtype=np.float32))


def test_a_file_gives_back_what_was_put_into_it(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    write_probe(file, PROBE)
    found = read_probe(file)
    assert (found.layers, found.fingerprint, list(found.heads)) == ((3,), "abc", ["kind", "calm"])
    assert found.heads["kind"].intercept == -1
    assert found.heads["kind"].weights.tolist() == [2, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_file_that_is_no_probe_is_named(tmp_path: Path) -> None:
    """Missing, broken, of another kind, or without what it should say."""
    file = tmp_path / "a.safetensors"
    with pytest.raises(ModelError, match="no probe file"):
        read_probe(file)
    file.write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="no probe that can be read"):
        read_probe(file)
    save_file({"kind": np.zeros(2)}, file)
    with pytest.raises(ModelError, match="critic train --kind probe"):
        read_probe(file)
    save_file({"kind": np.zeros(2)}, file, metadata={"format": "superego-probe-1"})
    with pytest.raises(ModelError, match="intercepts"):
        read_probe(file)


@pytest.mark.parametrize(
    ("weights", "intercepts", "layers"),
    [
        ([0, np.nan], '{"kind": 0}', "[3]"),
        ([[0, 1]], '{"kind": 0}', "[3]"),
        ([0, 1], '{"kind": null}', "[3]"),
        ([0, 1], '{"kind": Infinity}', "[3]"),
        ([0, 1], '["kind"]', "[3]"),
        ([0, 1], '{"kind": 0}', "3"),
    ],
)
def test_a_probe_that_could_judge_nothing_is_refused(
    tmp_path: Path, weights: list[float], intercepts: str, layers: str
) -> None:
    """When it is read, and not at every text."""
    told = {"format": "superego-probe-1", "weights": "abc", "intercepts": intercepts, "layers": layers}
    save_file({"kind": np.array(weights)}, tmp_path / "a.safetensors", metadata=told)
    with pytest.raises(ModelError, match=r"a\.safetensors is no probe that can be read"):
        read_probe(tmp_path / "a.safetensors")
