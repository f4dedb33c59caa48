"""Watch every attempt as it is judged: which rules it broke, why, and what it cost."""

from pathlib import Path

import pipeline
from pipeline import Attempt


def show(attempt: Attempt) -> None:
    print(f"attempt {attempt.number}: {attempt.verdict.outcome}, {attempt.usage.completion_tokens} tokens")
    for judgement in attempt.verdict.broken:
        print(f"  {judgement.rule.id}: {judgement.critique}")


def main() -> None:
    ego = pipeline.load(str(Path(__file__).with_name("our-style.yaml")))
    outcome = ego.ask("Invite the team to lunch on Friday, in two sentences.", seed=2, observe=show)
    print(outcome.answer)


if __name__ == "__main__":
    main()
