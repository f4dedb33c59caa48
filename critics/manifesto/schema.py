"""A manifesto as frozen models that forbid unknown keys. The JSON schema for editors is made from these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from critics.manifesto.calibration import Calibration
from critics.manifesto.model import Model

Action = Literal["veto", "revise", "redact", "flag"]
OnUndecided = Literal["retry", "withhold", "release"]
OnExhausted = Literal["refusal", "best", "error"]
Revision = Literal["converse", "rewind"]
Stream = Literal["hold", "sentence", "window"]
Side = Literal["input", "output"]
Combine = Literal["max", "mean", "noisy-or"]
Entity = Literal[
    "email", "phone", "card", "iban", "ip", "mac", "url", "crypto", "date", "medical-license",
    "us-ssn", "us-itin", "us-mbi", "uk-nhs", "uk-nino", "uk-driving-licence", "au-abn", "au-medicare", "au-tfn",
    "ca-sin", "de-health-insurance", "de-social-security", "de-tax-id", "es-nie", "es-nif", "fi-hetu", "in-aadhaar",
    "it-fiscal-code", "kr-rrn", "ng-nin", "pl-pesel", "se-personnummer", "sg-nric", "th-id", "tr-id", "za-id",
]  # fmt: skip

DETERMINISTIC = ("patterns", "personal-data")
"""The critics that are certain of what they find, and say nothing of what they do not look for."""

Text = Annotated[str, Field(min_length=1)]
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""Not blank: they are said to somebody."""
Probability = Annotated[float, Field(ge=0, le=1)]
Bounds = tuple[Probability, Probability]


class Length(Model):
    """Bounds, both inclusive."""

    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)


class Patterns(Model):
    """Options of the `patterns` critic. Everything but `require` and `at_least` says what must not be there."""

    forbid: tuple[Text, ...] = Field((), description="Regular expressions (RE2 syntax) that must not match.")
    require: tuple[Text, ...] = Field((), description="Regular expressions (RE2 syntax) that must match somewhere.")
    forbid_words: tuple[Text, ...] = Field((), description="Words or phrases that must not occur, whole, in any case.")
    require_words: tuple[Text, ...] = Field((), description="Words or phrases that must occur, whole, in any case.")
    case_sensitive: bool = Field(False, description="Whether the four lists above tell capitals from small letters.")
    characters: Length | None = Field(None, description="How many characters the text may have.")
    words: Length | None = Field(None, description="How many words the text may have.")
    sentences: Length | None = Field(None, description="How many sentences the text may have.")
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2}$")], ...] = Field(
        (), description="ISO 639-1 codes of the languages that the text may be in."
    )
    replace_with: str = Field("[removed]", description="What `redact` puts in the place of a forbidden match.")

    @property
    def says_anything(self) -> bool:
        lists = self.forbid, self.require, self.forbid_words, self.require_words, self.languages
        return any(lists) or any((self.characters, self.words, self.sentences))


class PersonalData(Model):
    """Options of the `personal-data` critic."""

    entities: tuple[Entity, ...] = Field(
        ("email", "phone", "card", "iban", "ip"), min_length=1, description="The kinds of data that must not occur."
    )
    allow: tuple[Text, ...] = Field((), description="Exact values that may occur, such as a public address.")
    regions: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = Field(
        ("US", "GB", "DE", "FR"), description="ISO 3166 regions whose national phone numbers are recognised."
    )
    score: float = Field(0.4, gt=0, le=1, description="How sure the recogniser must be (Presidio's score).")


class Guard(Model):
    """Options of the `guard` critic."""

    codes: tuple[Text, ...] = Field(
        (), description="The guard model's own codes or names of what breaks the rule; all of them when not given."
    )
    criterion: Text | None = Field(
        None, description="What breaks the rule, for guard models that take a criterion; else made from the statement."
    )
    controversial: bool = Field(True, description="Whether Qwen3Guard's middle verdict counts as a breach.")


class Semantic(Model):
    """Options of the `semantic` critic, which goes by the rule's `examples`."""

    neighbours: int = Field(8, ge=1, description="How many of the nearest examples of each kind count.")
    min_similarity: float = Field(
        0.3, ge=0, lt=1, description="The cosine to the nearest example below which a text is too strange to judge."
    )


class Grounded(Model):
    """Options of the `grounded` critic, which checks claims against the exchange's sources."""

    kinds: tuple[Text, ...] = Field(
        ("peer-reviewed", "textbook", "news", "forum"),
        min_length=1,
        description="Kinds of sources, the weightiest first. One that is not listed weighs less than all of these.",
    )
    half_life: float = Field(
        10.0, gt=0, description="The years that a source may be older than another and outweigh it by one kind more."
    )
    min_similarity: float = Field(
        0.5, gt=0, lt=1, description="How alike claim and passage must be for the passage to speak of the claim."
    )


class Doubt(Model):
    """What makes the `probe` critic doubt that an answer is as harmless as it looks: the request."""

    head: Text = Field(description="Which of the probe's heads looks at the request.")
    at_least: float = Field(0.5, gt=0, lt=1, description="What it must give, uncalibrated, for the doubt.")


class Probing(Model):
    """Options of the `probe` critic."""

    head: Text | None = Field(
        None, description="Which of the probe's heads judges; the one named as the rule when not given."
    )
    doubt: Doubt | None = Field(
        None, description="Keeps a cascade open below its lower bound where the request looks like this."
    )


class Remote(Model):
    """Options of the `remote` critic, which asks a moderation service."""

    categories: tuple[Text, ...] = Field((), description="As the service names them; all of them when none is given.")


class Example(Model):
    """A labelled text for a rule: `check` runs the deterministic critics on it, and `semantic` judges by it."""

    text: str
    breaks: bool
    prompt: str = ""


class Rule(Model):
    """One thing that a draft must satisfy."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Small letters, digits and hyphens.")]
    statement: Words = Field(description="What must hold, in a sentence that a critic and a person can read.")
    critics: tuple[Text, ...] = Field(
        ("judge",),
        min_length=1,
        description="Who judges: `patterns`, `personal-data`, `semantic`, `grounded`, `remote`, `guard`, `probe`, "
        "`judge`, module:factory.",
    )
    applies_to: Side = Field("output", description="What is judged: the draft, or the user's turn before any draft.")
    weight: float = Field(1.0, ge=0, le=1_000_000, description="How much it counts in the score.")
    threshold: float = Field(0.5, gt=0, lt=1, description="The probability of a breach from which it is broken.")
    calibration: Mapping[Text, Calibration] = Field(
        {}, description="By critic: what its probability is worth. The threshold is compared with what comes of it."
    )
    open_between: Bounds | None = Field(
        None, description="Makes the critics a cascade: the next one is asked only about what lies between these."
    )
    combine: Combine | None = Field(None, description="Overrides the manifesto's own, for this rule.")
    action: Action = Field("revise", description="What breaking it means.")
    on_undecided: OnUndecided | None = Field(None, description="Overrides the manifesto's own, for this rule.")
    advice: str = Field("", description="What the generator is told when its draft broke the rule.")
    examples: tuple[Example, ...] = ()
    patterns: Patterns | None = None
    personal_data: PersonalData | None = Field(None, alias="personal-data")
    guard: Guard | None = None
    semantic: Semantic | None = None
    grounded: Grounded | None = None
    remote: Remote | None = None
    probe: Probing | None = None

    def __hash__(self) -> int:
        return hash((self.id, self.statement))  # a mapping among the fields has no hash of its own


class Budget(Model):
    """The first one spent ends the loop."""

    attempts: int = Field(3, ge=1, description="Drafts, the first included.")
    tokens: int | None = Field(20_000, ge=1, description="Tokens read and written by generator and critics together.")
    seconds: float | None = Field(120.0, gt=0, description="Wall-clock seconds.")


class Manifesto(Model):
    """One YAML document: beliefs, how to weigh sources, rules, budget, release policy."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Small letters, digits and hyphens.")]
    version: Text = Field(description="Yours to count, in quotes.")
    description: str = Field("", description="One line for listings.")
    beliefs: str = Field("", description="What it stands for, in prose. Critics read it.")
    provenance: str = Field("", description="How to weigh sources, in prose. Critics read it.")
    rules: tuple[Rule, ...] = Field(min_length=1)
    budget: Budget = Budget()
    release: float = Field(0.5, gt=0, le=1, description="The score from which a draft that breaks no rule is released.")
    revision: Revision = Field("converse", description="How a draft is revised.")
    stream: Stream = Field("hold", description="When a streamed answer is shown: whole, or by sentences or windows.")
    on_exhausted: OnExhausted = Field("refusal", description="What happens when the budget is spent.")
    refusal: Words = Field(
        "I can't give an answer to this that meets the rules I hold to.", description="The words of a refusal."
    )
    on_undecided: OnUndecided = Field("withhold", description="What a rule that could not be judged means.")
    open_between: Bounds | None = Field(None, description="As in a rule, for every rule of several critics.")
    combine: Combine = Field("max", description="How the probabilities of a rule's several critics become one.")

    @model_validator(mode="after")
    def _inherited(self) -> Self:
        """Rules know how their critics are asked and weighed: who holds a rule need not know its manifesto."""
        own = {"open_between": self.open_between, "combine": self.combine}
        given = {key: value for key, value in own.items() if key in self.model_fields_set and value is not None}
        object.__setattr__(self, "rules", tuple(_with(rule, given) for rule in self.rules))
        return self

    @property
    def hash(self) -> str:
        """SHA-256, in hex, over everything that has a say in an outcome."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def rules_for(self, side: Side) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.applies_to == side)

    def undecided_policy(self, rule: Rule) -> OnUndecided:
        return rule.on_undecided or self.on_undecided


def _with(rule: Rule, given: Mapping[str, object]) -> Rule:
    """The rule with what it does not say itself, where that concerns it: every critic of `redact` has to be asked."""
    missing = {key: value for key, value in given.items() if key not in rule.model_fields_set}
    several = len(rule.critics) > 1 and rule.action != "redact"
    return rule.model_copy(update=missing) if missing and several else rule
