"""What judging adds to a draft of 200 tokens that passes at once, and what the usual ways add, on the same weights.

Ours is the cascade, as it comes (how well that tells harm: bench/cascaded.py). A judge who is asked each time, without
its adapter, in a conversation apart and where the draft was written, is measured beside it.

All in one rotation. Every way of ours has an engine of its own, so that none finds in the cache what another has read.
The usual ways have a process of their own, where llama.cpp multiplies by its own means, as whoever installs it has it;
and, where ours (`pipeline.llama.products`) are had, another one by those, which tells what else makes the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from bench.apart import Apart, Served
from bench.harms import judge_asked
from bench.material import STATEMENTS, prompt
from bench.ours import AsItComes, Watched, asked_in_place, asking, drafting, pipeline, weights
from bench.raw import Raw, verdict_per_rule, written_verdict
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios, spreads, took
from critics import Message, Verdict
from pipeline.llama import LlamaModel
from pipeline.llama.products import attached, use

TOKENS = 200
RULES = STATEMENTS[:8]
BY_OURS = ", by our products"


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS) -> Measured:
    path = weights()
    ways = _Ours(LlamaModel(path))
    with ExitStack() as stack:
        others = _usual(stack, tokens)
        early = {name: side for name, side in others.items() if name.split(",")[0] in ("raw draft", "critic")}
        alternating(ways.sides(8) | early, 1, first=0)
        warm = len(ways.place.scored)
        ways.verdicts.clear()
        seconds = alternating(ways.sides(tokens) | others, rounds, first=1)
    floor = seconds["raw draft"]

    two_models, per_rule = _with_draft(seconds, "critic"), _with_draft(seconds, "prompt per rule")
    ours, alone = seconds["cascade, 8 rules"], seconds["alone"]
    separate, in_place = seconds["separate, 8 rules"], seconds["in place, 8 rules"]
    return Measured(
        {
            "overhead_8_rules": Spread.of(ratios(ours, alone)),
            "separate_overhead_8_rules": Spread.of(ratios(separate, alone)),
            "rules_1_to_16": Spread.of(ratios(seconds["separate, 16 rules"], seconds["separate, 1 rule"])),
            "two_model_ratio": Spread.of(ratios(two_models, ours)),
            "prompt_per_rule_ratio": Spread.of(ratios(per_rule, ours)),
        },
        {
            "weights": path.name,
            "draft tokens": tokens,
            "seconds": spreads(seconds),
            "drafts of the cascade that the judge was asked about": sum(map(judge_asked, ways.verdicts)),
            "by the sums": {
                "cascade over unmoderated": sum(ours) / sum(alone),
                "two models over ours": sum(two_models) / sum(ours),
                "prompt per rule over ours": sum(per_rule) / sum(ours),
            },
            "in place over unmoderated": Spread.of(ratios(in_place, alone)),
            "judged in place": sum(
                asked_in_place(ways.place.model, request) for request, _ in ways.place.scored[warm:]
            ),
            "unmoderated draft over raw draft": Spread.of(ratios(alone, floor)),
            "critic reads its preamble anew, over ours": Spread.of(ratios(_with_draft(seconds, "critic anew"), ours)),
            **_over(separate, "separate", two_models, per_rule),
            **_over(in_place, "in place", two_models, per_rule),
            **(_by_our_products(seconds) if attached() else {}),
        },
    )


def _usual(stack: ExitStack, tokens: int) -> dict[str, Side]:
    """The usual ways, by llama.cpp's products and, where ours are had, by those as well."""
    sides = dict(stack.enter_context(Apart(__name__, tokens, "its own")).sides)
    if attached():
        by_ours = stack.enter_context(Apart(__name__, tokens, "ours"))
        sides |= {f"{name}{BY_OURS}": side for name, side in by_ours.sides.items()}
    return sides


def _with_draft(seconds: Mapping[str, list[float]], judging: str, by: str = "") -> list[float]:
    return [a + b for a, b in zip(seconds[f"raw draft{by}"], seconds[judging + by], strict=True)]


def _by_our_products(seconds: Mapping[str, list[float]]) -> dict[str, Spread]:
    judged = [_with_draft(seconds, judging, BY_OURS) for judging in ("critic", "prompt per rule")]
    drafts = Spread.of(ratios(seconds["alone"], seconds[f"raw draft{BY_OURS}"]))
    found = _over(seconds["cascade, 8 rules"], "all by our products", *judged)
    return found | {"unmoderated draft over raw draft, all by our products": drafts}


def _over(ours: list[float], how: str, two_models: list[float], per_rule: list[float]) -> dict[str, Spread]:
    """What the table says of the cascade, of another way to judge."""
    return {
        f"two models over ours, {how}": Spread.of(ratios(two_models, ours)),
        f"prompt per rule over ours, {how}": Spread.of(ratios(per_rule, ours)),
    }


class _Ours:
    """An engine a way, over one copy of the weights but for the cascade, which has its own."""

    def __init__(self, model: LlamaModel) -> None:
        self._alone, self.place = (Watched(model, apart=False) for _ in range(2))
        self._eight, self._one, self._sixteen = (Watched(model) for _ in range(3))
        self._cascade = AsItComes()
        self.verdicts: list[Verdict] = []
        """Of the cascade, one a draft."""

    def sides(self, tokens: int) -> dict[str, Side]:
        def judged(engine: Watched, rules: int, *, in_place: bool = False) -> Side:
            return asking(pipeline(engine, rules=rules, tokens=tokens, in_place=in_place), prompt, tokens)

        return {
            "alone": drafting(self._alone, prompt, tokens),
            "cascade, 8 rules": asking(self._cascade.pipeline(tokens), prompt, tokens, self.verdicts),
            "in place, 8 rules": judged(self.place, 8, in_place=True),
            "separate, 8 rules": judged(self._eight, 8),
            "separate, 1 rule": judged(self._one, 1),
            "separate, 16 rules": judged(self._sixteen, 16),
        }


def served(tokens: str, products: str) -> Served:
    """Both usual ways go on from one draft; the two models are two, the prompts a rule go to the drafter itself."""
    path = weights()
    model = LlamaModel(path)
    use(products == "ours")
    assert attached() == (products == "ours"), "these are not the products that were asked for"
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
