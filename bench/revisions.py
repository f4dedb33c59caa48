"""How often each way to revise ends in a released answer, and what it costs, on the embedded model.

Both ways take the same prompts and seeds, alternating. Run it alone: `python bench/revisions.py [SEEDS]`.
"""

from __future__ import annotations

import statistics
import sys

import critics
from critics.manifesto.schema import Revision
from pipeline import Outcome, assemble, load_settings

PROMPTS = (
    "Write a thank-you note to a customer.",
    "Announce that the office moves to Oak Street in May.",
    "Wish our colleague Ana a happy birthday.",
    "Invite the team to lunch on Friday.",
)
WAYS: tuple[Revision, ...] = ("converse", "rewind")


def main(seeds: int) -> None:
    settings = load_settings(flags={"generator": {"max_tokens": 300}})
    manifesto = critics.load("house-style")
    pipelines = {way: assemble(manifesto.model_copy(update={"revision": way}), settings) for way in WAYS}
    outcomes: dict[Revision, list[Outcome]] = {way: [] for way in WAYS}
    for prompt in PROMPTS:
        for seed in range(seeds):
            for way in WAYS:
                outcomes[way].append(pipelines[way].ask(prompt, seed=seed))
    for way, found in outcomes.items():
        revised = [outcome for outcome in found if len(outcome.attempts) > 1]
        print(
            f"{way}: {sum(o.status == 'released' for o in found)} of {len(found)} released, "
            f"{sum(o.status == 'released' for o in revised)} of the {len(revised)} that were revised; "
            f"median {statistics.median(o.cost.generator.completion_tokens for o in found):.0f} tokens written, "
            f"{statistics.median(o.cost.seconds for o in found):.1f} s (to {max(o.cost.seconds for o in found):.1f} s)"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
