"""The whole loop over a real upstream server."""

from __future__ import annotations

from critics import Manifesto, Patterns, Rule
from pipeline import assemble, load_settings

BRIEF = Rule(id="calm", statement="No shouting.", critics=("patterns",), patterns=Patterns(forbid=("!",)))
KIND = Rule(id="kind", statement="The answer is kind.", action="flag")


def test_a_server_drafts_and_judges(upstream: str) -> None:
    """One address in the settings, and drafts and log-probabilities come from there."""
    settings = load_settings(
        flags={
            "generator": {"model": "openai:any", "base_url": upstream, "max_tokens": 12},
            "judge": {"critiques": False},
        }
    )
    manifesto = Manifesto(name="m", version="1", rules=(BRIEF, KIND), on_exhausted="best")
    outcome = assemble(manifesto, settings).ask("Say hello.", seed=3)
    assert outcome.status == "released"
    (judgement,) = [j for j in outcome.attempts[0].verdict.judgements if j.rule.id == "kind"]
    assert judgement.probability is not None
    assert 0 < judgement.probability < 1
    assert outcome.cost.critic.prompt_tokens > 0
