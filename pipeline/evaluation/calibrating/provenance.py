"""By whom rows were judged, and by which words: a fit to them says nothing of other models and other words."""

from __future__ import annotations

from collections.abc import Iterable

from critics import Manifesto
from pipeline.errors import BadInput
from pipeline.evaluation.judged import Judged


def judged_by(rows: Iterable[Judged]) -> dict[str, str]:
    """The model behind each critic that has one. Raises `BadInput` where rows disagree, or do not say."""
    found: dict[str, str] = {}
    for row in rows:
        if row.models is None:
            raise BadInput(f"row {row.id} of {row.set} does not say which models judged it: judge it anew")
        asked = {critic for said in row.rules.values() for critic in said.critics}
        for critic in asked & row.models.keys():
            model = row.models[critic]
            if (first := found.setdefault(critic, model)) != model:
                raise BadInput(f"`{critic}` was two models, {first} and {model}: calibrate it for each apart")
    return found


def refuse_other_words(manifesto: Manifesto, rows: Iterable[Judged]) -> None:
    """Raises `BadInput` where a rule has been reworded since it was judged by."""
    now = {rule.id: rule.statement for rule in manifesto.rules}
    for row in rows:
        for rule, said in row.rules.items():
            if now.get(rule, said.statement) != said.statement:
                raise BadInput(f"rule {rule} read {said.statement!r} when {row.set} was judged: judge it anew")
