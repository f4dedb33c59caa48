"""Where the judge of a manifesto is known to be weak, so that whoever uses it is told."""

from __future__ import annotations

import critics
from critics import Manifesto
from manifestos import DEFAULT
from pipeline.assembly import embedded
from pipeline.assembly.assembly import asks_model
from pipeline.assembly.weights import judge_adapter, judge_name
from pipeline.settings import Settings


def judges_untrained(manifesto: Manifesto, settings: Settings) -> bool:
    """Whether a rule will be judged by the embedded model without an adapter, which is no better than chance."""
    return asks_model(manifesto) and judge_name(settings) == "embedded" and judge_adapter(settings) is None


def unfamiliar(manifesto: Manifesto, settings: Settings) -> list[str]:
    """The rules that the embedded model judges as it is shipped, and that it was not measured on: those whose statement
    is not the default manifesto's. It follows a statement that it was not trained on little better than chance."""
    if judge_name(settings) != "embedded" or judge_adapter(settings) != embedded.ADAPTER:
        return []
    known = {rule.statement for rule in critics.load(DEFAULT).rules}
    return [rule.id for rule in manifesto.rules if "judge" in rule.critics and rule.statement not in known]
