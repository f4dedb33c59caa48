"""The families of guard models: how each is asked, what it answers, and which codes it knows.

Facts about interfaces only, from model cards and the templates that the files carry. The policies stand in those
templates, and nowhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from critics.guard.asking import (
    Ask,
    granite_block,
    granite_criterion,
    granite_risk,
    guideline,
    plain,
    policy,
    with_categories,
    with_exclusions,
)
from critics.guard.forms import (
    coded,
    leading_yes_no,
    nemoguard_object,
    qwen3guard,
    scored,
    violation,
    wildguard,
    yes_no,
)
from critics.guard.forms.said import Reader


@dataclass(frozen=True)
class GuardFamily:
    """How to ask a family and how to read it.

    `words` are the verdict's, in small letters: a breach, none, and perhaps something between. `codes` are those that
    it answers with, or, where `one_by_one` says that every call is about one criterion, those that it can be asked by.
    `criterion` says whether it takes one in words. `first` says that the verdict is the first word, so that nothing
    need be written; `thinks`, that it reasons, asked to or not; `trails`, that more may follow the verdict.
    `max_tokens` bounds an answer without its reasoning.
    """

    name: str
    ask: Ask
    read: Reader
    words: tuple[str, ...]
    codes: tuple[str, ...] = ()
    one_by_one: bool = False
    criterion: bool = False
    first: bool = False
    thinks: bool = False
    trails: bool = False
    max_tokens: int = 64

    @property
    def excludes(self) -> bool:
        """Whether it is told which codes not to look for, so that what it says depends on all of its rules."""
        return self.ask is with_exclusions

    def known(self, code: str) -> str | None:
        """The code as the family writes it, in whatever case it is given."""
        folded = " ".join(code.split()).casefold()
        return next((known for known in self.codes if known.casefold() == folded), None)


_SAFETY = ("unsafe", "safe")
_YES_NO = ("yes", "no")
_HAZARDS = tuple(f"S{number}" for number in range(1, 15))
_RISKS = ("harm", "social_bias", "jailbreak", "violence", "profanity", "sexual_content", "unethical_behavior")
_QWEN = (
    "Violent",
    "Non-violent Illegal Acts",
    "Sexual Content or Sexual Acts",
    "PII",
    "Suicide & Self-Harm",
    "Unethical Acts",
    "Politically Sensitive Topics",
    "Copyright Violation",
    "Jailbreak",
)
_NEMO = (
    "Violence",
    "Sexual",
    "Criminal Planning/Confessions",
    "Guns and Illegal Weapons",
    "Controlled/Regulated Substances",
    "Suicide and Self Harm",
    "Sexual (minor)",
    "Hate/Identity Hate",
    "PII/Privacy",
    "Harassment",
    "Threat",
    "Profanity",
    "Needs Caution",
    "Other",
    "Manipulation",
    "Fraud/Deception",
    "Malware",
    "High Risk Gov Decision Making",
    "Political/Misinformation/Conspiracy",
    "Copyright/Trademark/Plagiarism",
    "Unauthorized Advice",
    "Illegal Activity",
    "Immoral/Unethical",
)


def _by_name(families: Iterable[GuardFamily]) -> Mapping[str, GuardFamily]:
    return {family.name: family for family in families}


GUARD_FAMILIES: Mapping[str, GuardFamily] = _by_name(
    (
        # The first one's codes are O1 to O6, the second one's S1 to S11; both templates have them fixed.
        GuardFamily("llama-guard", with_exclusions, coded, _SAFETY, (*_HAZARDS, *(f"O{n}" for n in range(1, 7)))),
        GuardFamily(
            "shieldgemma", guideline, leading_yes_no, _YES_NO, one_by_one=True, criterion=True, first=True, trails=True
        ),
        GuardFamily(
            "granite-guardian-3.2", granite_risk, yes_no, _YES_NO, _RISKS, one_by_one=True, criterion=True, first=True
        ),
        GuardFamily("granite-guardian", granite_criterion, scored, _YES_NO, _RISKS, one_by_one=True, criterion=True),
        GuardFamily("granite-guardian-4.1", granite_block, scored, _YES_NO, one_by_one=True, criterion=True),
        GuardFamily("qwen3guard", plain, qwen3guard, (*_SAFETY, "controversial"), _QWEN),
        GuardFamily("gpt-oss-safeguard", policy, violation, ("1", "0"), one_by_one=True, criterion=True, thinks=True),
        GuardFamily("wildguard", plain, wildguard, _YES_NO, ("harmful",)),
        GuardFamily("nemoguard", with_categories, nemoguard_object, _SAFETY, _NEMO, max_tokens=128),
    )
)
"""By the names that settings give them."""


def guard_family(*told: str) -> GuardFamily | None:
    """The family that a model's name or its chat template tells of; `None` where neither does.

    Names go by their letters and digits ("Llama-Guard-3-8B.Q4_K_M", "LlamaGuard-7b"), templates by the variables that
    only one family takes.
    """
    flat = ["".join(filter(str.isalnum, text.casefold())) for text in told]
    for mark, name in _MARKS.items():
        if any(mark in text for text in flat):
            return GUARD_FAMILIES[_granite(flat) if name == "granite-guardian" else name]
    return None


_MARKS = {
    "llamaguard": "llama-guard",
    "excludedcategorykeys": "llama-guard",
    "shieldgemma": "shieldgemma",
    "graniteguardian": "granite-guardian",
    "guardianconfig": "granite-guardian",
    "qwen3guard": "qwen3guard",
    "gptosssafeguard": "gpt-oss-safeguard",
    "wildguard": "wildguard",
    "nemoguard": "nemoguard",
    "nemotronsafetyguard": "nemoguard",
    "nemotron3contentsafety": "nemoguard",
}


def _granite(flat: list[str]) -> str:
    """Which of the three ways to ask that Granite Guardian has had. A template tells more surely than a name."""
    if any("guardianconfig" in text for text in flat):
        return "granite-guardian" if any("criteriaid" in text for text in flat) else "granite-guardian-3.2"
    if any(f"graniteguardian{version}" in text for text in flat for version in ("30", "31", "32")):
        return "granite-guardian-3.2"
    return "granite-guardian-4.1" if any("graniteguardian4" in text for text in flat) else "granite-guardian"
