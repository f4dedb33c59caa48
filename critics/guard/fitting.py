"""Whether a rule's `guard` options fit the family of the guard model that is configured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critics.guard.families import GUARD_FAMILIES
from critics.manifesto.schema import Guard, Rule
from critics.manifesto.validate import did_you_mean

NO_MODEL = "a rule asks for the critic `guard`, but no guard model is configured: set `guard.model` in superego.yaml"


def guard_misfits(rule: Rule, family: str, *, own: Sequence[str] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where in the rule something stands that the family has no use for, and what is wrong with it.

    `family` is the name of one; `own` are the codes of the user's own that replace its.
    """
    options, known = rule.guard or Guard(), GUARD_FAMILIES[family]
    codes = tuple(own) or known.codes
    if options.criterion and not known.criterion:
        yield ("guard", "criterion"), f"{family} takes no criterion: name its `codes` instead"
    if options.codes and not codes:
        yield ("guard", "codes"), f"{family} has no codes: give a `criterion` in words instead"
        return
    folded = {" ".join(code.split()).casefold() for code in codes}
    for index, code in enumerate(options.codes):
        if " ".join(code.split()).casefold() not in folded:
            meant = did_you_mean(code, codes) or f"; it knows {', '.join(codes)}"
            yield ("guard", "codes", index), f"{family} does not know the code `{code}`{meant}"
