"""What parses but cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from critics.calibration import corrected
from critics.errors import Fault
from critics.guard.fitting import NO_MODEL, guard_misfits
from critics.lint.cascade import cascade_complaints
from critics.lint.streaming import streaming_complaints
from critics.manifesto.load import Loaded
from critics.manifesto.schema import DETERMINISTIC, Length, Rule
from critics.manifesto.validate import did_you_mean
from critics.patterns import PatternError, compile_pattern, matches_empty, pitfall

BUILT_IN = ("patterns", "personal-data", "semantic", "grounded", "remote", "guard", "probe", "judge")
OPTIONED = ("patterns", "personal-data", "semantic", "grounded", "remote", "guard", "probe")
"""The critics whose options stand in the rule, under their name."""

_Place = tuple[str | int, ...]
_Complaint = tuple[_Place, str]


def structural_faults(loaded: Loaded, trusted: tuple[str, ...], guard: str | None = None) -> list[Fault]:
    """Every fault that can be found without running a critic. `trusted` are the allowed `module:factory` names.

    `guard` is the family of the configured guard model, empty where none is configured, `None` where that is not known.
    """
    manifesto = loaded.manifesto
    complaints = [*_release(loaded), *cascade_complaints(manifesto), *streaming_complaints(manifesto)]
    for index, rule in enumerate(manifesto.rules):
        for place, what in _rule_complaints(rule, trusted):
            complaints.append((("rules", index, *place), what))
        for place, what in _guard(rule, guard):
            complaints.append((("rules", index, *place), what))
    return [loaded.tree.place(*place).fault(what) for place, what in complaints]


def _release(loaded: Loaded) -> Iterator[_Complaint]:
    manifesto = loaded.manifesto
    counted = [rule for rule in manifesto.rules_for("output") if rule.action != "flag"]
    if not counted and not any(rule.action == "veto" for rule in manifesto.rules_for("input")):
        yield ("rules",), "every draft is released: no rule can veto, revise or redact"
        return
    if counted and not any(rule.weight for rule in counted):
        yield ("release",), "every draft reaches it: no rule that counts has a weight above 0"
    unsure = [rule.id for rule in counted if rule.weight and not set(rule.critics) <= set(DETERMINISTIC)]
    if manifesto.release == 1 and unsure:
        what = f"no draft can reach a score of 1: `{unsure[0]}` is judged by probability, which is never quite certain"
        yield ("release",), what


def _rule_complaints(rule: Rule, trusted: tuple[str, ...]) -> Iterator[_Complaint]:
    yield from _critic_names(rule, trusted)
    yield from _options(rule)
    yield from _action(rule)
    yield from _calibrations(rule)
    if rule.patterns:
        for key in ("forbid", "require"):
            for index, pattern in enumerate(getattr(rule.patterns, key)):
                for complaint in _pattern(pattern, forbid=key == "forbid"):
                    yield ("patterns", key, index), complaint
        for key in ("characters", "words", "sentences"):
            if what := _length(getattr(rule.patterns, key)):
                yield ("patterns", key), what


def _critic_names(rule: Rule, trusted: tuple[str, ...]) -> Iterator[_Complaint]:
    for index, name in enumerate(rule.critics):
        place = ("critics", index)
        if ":" in name:
            if name not in trusted:
                yield place, f"the critic `{name}` is not trusted: add it to `trusted` in superego.yaml to let it run"
        elif name not in BUILT_IN:
            known = f"; known are {', '.join(BUILT_IN)}, or module:factory"
            yield place, f"unknown critic `{name}`" + (did_you_mean(name, BUILT_IN) or known)


def _options(rule: Rule) -> Iterator[_Complaint]:
    if "patterns" in rule.critics and (rule.patterns is None or not rule.patterns.says_anything):
        yield ("critics",), "the critic `patterns` has nothing to look for: give the rule `patterns:` options"
    if "semantic" in rule.critics and {example.breaks for example in rule.examples} != {True, False}:
        what = "the critic `semantic` goes by examples of both kinds: give the rule some with `breaks: true`"
        yield ("examples",), f"{what} and some with `breaks: false`, best ten of each"
    if "grounded" in rule.critics and rule.applies_to == "input":
        yield ("applies_to",), "the critic `grounded` checks a draft against its sources, and before it there is none"
    for name in OPTIONED:
        if getattr(rule, name.replace("-", "_")) is not None and name not in rule.critics:
            yield (name,), f"these options are never used: `{name}` is not among the rule's critics"


def _guard(rule: Rule, family: str | None) -> Iterator[_Complaint]:
    if "guard" not in rule.critics or family is None:
        return
    if not family:
        yield ("critics",), NO_MODEL
    else:
        yield from guard_misfits(rule, family)


def _calibrations(rule: Rule) -> Iterator[_Complaint]:
    for name, calibration in rule.calibration.items():
        if name not in rule.critics:
            what = f"this calibration is never used: `{name}` is not among the rule's critics"
            yield ("calibration", name), what + did_you_mean(name, rule.critics)
        elif (most := corrected(calibration, 1.0)) < rule.threshold:
            what = f"`{name}` can never break the rule: calibrated it gives at most {most:.3g}"
            yield ("calibration", name), f"{what}, and the threshold is {rule.threshold:g}"


def _action(rule: Rule) -> Iterator[_Complaint]:
    if rule.applies_to == "input" and rule.action in ("revise", "redact"):
        yield ("action",), f"what a user wrote cannot be sent back: use veto or flag, not {rule.action}"
    if rule.action == "redact" and not set(rule.critics) <= set(DETERMINISTIC):
        yield ("action",), f"only {' and '.join(DETERMINISTIC)} know what to put in a text's place: use revise or veto"


def _pattern(pattern: str, *, forbid: bool) -> Iterator[str]:
    try:
        compile_pattern(pattern, case_sensitive=True)
    except PatternError as exc:
        yield str(exc)
        return
    if matches_empty(pattern):
        yield "matches the empty text, so it " + ("finds nothing to forbid" if forbid else "is always there")
    if what := pitfall(pattern):
        yield what


def _length(length: Length | None) -> str | None:
    if length is None:
        return None
    if length.at_least is None and length.at_most is None:
        return "says neither `at_least` nor `at_most`"
    if length.at_least is not None and length.at_most is not None and length.at_least > length.at_most:
        return f"no draft can have at least {length.at_least} and at most {length.at_most}"
    if length.at_most == 0:
        return "only an empty draft has none, and an empty draft is never released"
    return None
