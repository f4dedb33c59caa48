"""What judging adds to a draft of 200 tokens that passes at once, and what the usual ways add, on the same weights.

All in one rotation. Every way of ours has an engine of its own, so that none finds in the cache what another has read.
The usual ways have a process of their own.
"""

from __future__ import annotations

from bench.apart import Apart, Served
from bench.material import STATEMENTS, prompt
from bench.ours import Watched, asked_in_place, asking, drafting, pipeline, weights
from bench.raw import Raw, verdict_per_rule, written_verdict
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios, spreads, took
from critics import Message
from pipeline.llama import LlamaModel

TOKENS = 200
RULES = STATEMENTS[:8]


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS) -> Measured:
    path = weights()
    ours = _Ours(LlamaModel(path))
    with Apart(__name__, tokens) as usual:
        alternating(ours.sides(8) | {name: usual.sides[name] for name in ("raw draft", "critic")}, 1, first=0)
        in_place = len(ours.place.scored)
        seconds = alternating(ours.sides(tokens) | usual.sides, rounds, first=1)
    floor = seconds["raw draft"]
    total = {name: [a + b for a, b in zip(floor, seconds[name], strict=True)] for name in ("critic", "critic anew")}
    per_rule = [a + b for a, b in zip(floor, seconds["prompt per rule"], strict=True)]
    separate, alone = seconds["separate, 8 rules"], seconds["alone"]
    return Measured(
        {
            "overhead_8_rules": Spread.of(ratios(seconds["in place, 8 rules"], alone)),
            "separate_overhead_8_rules": Spread.of(ratios(separate, alone)),
            "rules_1_to_16": Spread.of(ratios(seconds["separate, 16 rules"], seconds["separate, 1 rule"])),
            "two_model_ratio": Spread.of(ratios(total["critic"], separate)),
            "prompt_per_rule_ratio": Spread.of(ratios(per_rule, separate)),
        },
        {
            "weights": path.name,
            "draft tokens": tokens,
            "seconds": spreads(seconds),
            "judged in place": sum(
                asked_in_place(ours.place.model, request) for request, _ in ours.place.scored[in_place:]
            ),
            "unmoderated draft over raw draft": Spread.of(ratios(alone, floor)),
            "two models over ours in place": Spread.of(ratios(total["critic"], seconds["in place, 8 rules"])),
            "two models over ours, critic reads its preamble anew": Spread.of(ratios(total["critic anew"], separate)),
            "prompt per rule over ours in place": Spread.of(ratios(per_rule, seconds["in place, 8 rules"])),
        },
    )


class _Ours:
    """An engine a way, over one copy of the weights."""

    def __init__(self, model: LlamaModel) -> None:
        self._alone, self.place = (Watched(model, apart=False) for _ in range(2))
        self._eight, self._one, self._sixteen = (Watched(model) for _ in range(3))

    def sides(self, tokens: int) -> dict[str, Side]:
        def judged(engine: Watched, rules: int, *, in_place: bool = False) -> Side:
            return asking(pipeline(engine, rules=rules, tokens=tokens, in_place=in_place), prompt, tokens)

        return {
            "alone": drafting(self._alone, prompt, tokens),
            "in place, 8 rules": judged(self.place, 8, in_place=True),
            "separate, 8 rules": judged(self._eight, 8),
            "separate, 1 rule": judged(self._one, 1),
            "separate, 16 rules": judged(self._sixteen, 16),
        }


def served(tokens: str) -> Served:
    """Both usual ways go on from one draft; the two models are two, the prompts a rule go to the drafter itself."""
    path = weights()
    model = LlamaModel(path)
    drafter, critic = Raw(path, model), Raw(path, model)
    drafts: dict[int, str] = {}

    def draft(number: int) -> float:
        def write() -> None:
            asked = [Message("user", prompt(number))]
            drafts[number] = drafter.write(asked, int(tokens), temperature=0.7, seed=number)

        return took(write)

    def verdict(number: int) -> float:
        return took(lambda: written_verdict(critic, RULES, prompt(number), drafts[number]))

    def anew(number: int) -> float:
        critic.forget()
        return verdict(number)

    def per_rule(number: int) -> float:
        return took(lambda: verdict_per_rule(drafter, RULES, prompt(number), drafts[number]))

    # "critic" finds its system message kept from the round before, as `Llama` keeps it; "critic anew" finds nothing.
    return Served({"raw draft": draft, "critic": verdict, "critic anew": anew, "prompt per rule": per_rule})
