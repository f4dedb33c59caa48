"""Test your own manifesto without a model: script the drafts and see what comes through."""

from pathlib import Path

import critics
from critics import Panel, PatternsCritic
from pipeline import Pipeline, ScriptedGenerator


def main() -> None:
    manifesto = critics.load(str(Path(__file__).with_name("our-style.yaml")))
    only_patterns = manifesto.model_copy(
        update={"rules": tuple(rule for rule in manifesto.rules if rule.critics == ("patterns",))}
    )
    generator = ScriptedGenerator(["We leverage synergy to welcome you.", "Welcome, it is good to have you here."])
    ego = Pipeline(only_patterns, Panel({"patterns": PatternsCritic()}), generator)
    outcome = ego.ask("Welcome a new colleague.")
    print([[judgement.rule.id for judgement in attempt.verdict.broken] for attempt in outcome.attempts])
    print(outcome.answer)


if __name__ == "__main__":
    main()
