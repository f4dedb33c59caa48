"""What parses but cannot work."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from critics.calibration import corrected
from critics.cascade import COMBINATIONS
from critics.errors import Fault
from critics.guard.fitting import NO_MODEL, guard_misfits
from critics.lint.cascade import KEYS, cascade_complaints, rule_complaints
from critics.lint.codes import code_complaints
from critics.lint.patterns import mending_complaints, pattern_complaints
from critics.lint.placing import Complaint, placed
from critics.lint.streaming import streaming_complaints
from critics.manifesto.load import Tried, TriedRule
from critics.manifesto.schema import DETERMINISTIC, Manifesto, Rule
from critics.manifesto.validate import did_you_mean
from critics.probe.critic import head_of

BUILT_IN = ("patterns", "personal-data", "semantic", "grounded", "remote", "guard", "probe", "judge")
OPTIONED = ("patterns", "personal-data", "semantic", "grounded", "remote", "guard", "probe")
"""The critics whose options stand in the rule, under their name."""


def manifesto_faults(tried: Tried) -> list[Fault]:
    """What cannot work of the manifesto as a whole; of one that could not be read so, only what is said of cascades."""
    if tried.loaded is None:
        rules = [rule for rule in tried.rules() if rule.whole]
        return [placed(each.node, complaint) for each in rules for complaint in rule_complaints(each.rule)]
    manifesto, tree = tried.loaded.manifesto, tried.tree
    inherited = {key for key in ("release", *KEYS) if tree.place(key).path != tree.mark.path}
    complaints = [*_release(manifesto, inherited="release" in inherited), *cascade_complaints(manifesto, inherited)]
    complaints += streaming_complaints(manifesto)
    return [placed(tree, complaint) for complaint in complaints]


def rule_faults(
    tried: TriedRule, trusted: tuple[str, ...], guard: str | None = None, heads: Collection[str] | None = None
) -> list[Fault]:
    """Every fault of a rule by itself that can be found without running a critic; of one that could not be read as a
    whole, those of what it says. `trusted` are the allowed `module:factory` names.

    `guard` is the family of the configured guard model, empty where none is configured, and `heads` are those of the
    configured probes; `None` where that is not known.
    """
    complaints = [*_said(tried.rule, trusted)]
    if tried.whole:
        complaints += [*_whole(tried.rule), *_guard(tried.rule, guard), *_head(tried.rule, heads)]
    return [placed(tried.node, complaint) for complaint in complaints]


def _release(manifesto: Manifesto, *, inherited: bool) -> Iterator[Complaint]:
    counted = [rule for rule in manifesto.rules_for("output") if rule.action != "flag"]
    if not counted and not any(rule.action == "veto" for rule in manifesto.rules_for("input")):
        yield ("rules",), "every draft is released: no rule can veto, revise or redact"
        return
    if counted and not any(rule.weight for rule in counted):
        yield ("release",), "every draft reaches it: no rule that counts has a weight above 0"
    unsure = [rule for rule in counted if rule.weight and not set(rule.critics) <= set(DETERMINISTIC)]
    if manifesto.release == 1 and unsure:
        what = f"`{unsure[0].id}` is judged by probability, which is never quite certain; write `release: 0.9`, say"
        if inherited:  # then its place is in a file that is not the writer's
            yield ("rules", manifesto.rules.index(unsure[0])), f"no draft can reach the inherited `release: 1`: {what}"
        else:
            yield ("release",), f"no draft can reach a score of 1: {what}"


def _whole(rule: Rule) -> Iterator[Complaint]:
    yield from _options(rule)
    yield from _action(rule)
    yield from _calibrations(rule)


def _said(rule: Rule, trusted: tuple[str, ...]) -> Iterator[Complaint]:
    yield from _critic_names(rule, trusted)
    yield from code_complaints(rule)
    complaints = [*pattern_complaints(rule.patterns)] if rule.patterns else []
    if rule.patterns and rule.action == "redact":
        complaints += mending_complaints(rule.patterns)
    for place, what in complaints:
        yield ("patterns", *place), what


def _critic_names(rule: Rule, trusted: tuple[str, ...]) -> Iterator[Complaint]:
    for index, name in enumerate(rule.critics):
        place = ("critics", index)
        if ":" in name:
            if name not in trusted:
                yield place, f"the critic `{name}` is not trusted: add it to `trusted` in superego.yaml to let it run"
        elif name not in BUILT_IN:
            known = f"; known are {', '.join(BUILT_IN)}, or module:factory"
            yield place, f"unknown critic `{name}`" + (did_you_mean(name, BUILT_IN) or known)
        if name in rule.critics[:index]:
            yield place, f"`{name}` is named twice, and asked once: leave this one out"


def _options(rule: Rule) -> Iterator[Complaint]:
    if "patterns" in rule.critics and (rule.patterns is None or not rule.patterns.says_anything):
        yield ("critics",), "the critic `patterns` has nothing to look for: give the rule `patterns:` options"
    if "semantic" in rule.critics and {example.breaks for example in rule.examples} != {True, False}:
        what = "the critic `semantic` goes by examples of both kinds: give the rule some with `breaks: true`"
        yield ("examples",), f"{what} and some with `breaks: false`, best ten of each"
    if "grounded" in rule.critics and rule.applies_to == "input":
        yield ("applies_to",), "the critic `grounded` checks a draft against its sources, and before it there is none"
    data = rule.personal_data
    if data and "personal-data" in rule.critics and "regions" in data.model_fields_set and "phone" not in data.entities:
        what = "regions are never used: `phone` is not among the rule's `entities`; add it, or leave them out"
        yield ("personal-data", "regions"), what
    for name in OPTIONED:
        if getattr(rule, name.replace("-", "_")) is not None and name not in rule.critics:
            yield (name,), f"these options are never used: `{name}` is not among the rule's critics"


def _guard(rule: Rule, family: str | None) -> Iterator[Complaint]:
    if "guard" not in rule.critics or family is None:
        return
    if not family:
        yield ("critics",), NO_MODEL
    else:
        yield from guard_misfits(rule, family)


def _head(rule: Rule, heads: Collection[str] | None) -> Iterator[Complaint]:
    """Of a rule that nobody else could judge: with other critics, one may be trained for it later."""
    if heads is not None and rule.critics == ("probe",) and (head := head_of(rule)) not in heads:
        what = f"no probe has a head `{head}`, so the rule is always undecided"
        cure = (
            did_you_mean(head, heads) or "; train one with `superego critic train --kind probe`, or name another critic"
        )
        yield ("probe", "head") if rule.probe and rule.probe.head else ("critics",), what + cure


def _calibrations(rule: Rule) -> Iterator[Complaint]:
    most = {name: corrected(calibration, 1.0) for name, calibration in rule.calibration.items()}
    for name in most:
        if name not in rule.critics:
            what = f"this calibration is never used: `{name}` is not among the rule's critics"
            yield ("calibration", name), what + did_you_mean(name, rule.critics)
        elif most[name] < rule.threshold and not _may_help(rule, name, most):
            what = f"`{name}` can never break the rule: calibrated it gives at most {most[name]:.3g}"
            yield ("calibration", name), f"{what}, and the threshold is {rule.threshold:g}"


def _may_help(rule: Rule, name: str, most: Mapping[str, float]) -> bool:
    """Whether a critic that breaks the rule never alone may do so with the others."""
    if rule.combine in (None, "max") or name in DETERMINISTIC:
        return False
    models = [most.get(critic, 1.0) for critic in rule.critics if critic not in DETERMINISTIC]
    return COMBINATIONS[rule.combine](models) >= rule.threshold


def _action(rule: Rule) -> Iterator[Complaint]:
    if rule.applies_to == "input" and rule.action in ("revise", "redact"):
        yield ("action",), f"what a user wrote cannot be sent back: use veto or flag, not {rule.action}"
    if rule.action == "redact" and not set(rule.critics) <= set(DETERMINISTIC):
        yield ("action",), f"only {' and '.join(DETERMINISTIC)} know what to put in a text's place: use revise or veto"
