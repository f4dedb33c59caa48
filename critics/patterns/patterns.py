"""The critic that needs no model: forbidden and required expressions, lengths, languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critics.exchange import Exchange
from critics.finding import Finding, Span
from critics.manifesto.schema import Patterns, Rule
from critics.patterns.language import foreign, language
from critics.patterns.lengths import misfits
from critics.patterns.quote import in_context, quoted
from critics.patterns.search import merged, search_for
from critics.text.normalise import Normalised, normalise
from critics.text.readings import readings

MAX_PROBLEMS = 5
"""Problems that a critique names; of the others it gives the number."""

EVEN = 0.5
"""The likelihood from which a language is wrong where a calibration makes a breach of everything, whatever it is."""


@dataclass(frozen=True)
class Text:
    """The judged text as handed in, normalised, and as it may be read besides."""

    raw: str
    normal: Normalised
    besides: tuple[Normalised, ...]


class PatternsCritic:
    """Judges every rule by its `patterns` options: broken for certain, or certainly not.

    That goes for languages too, whose likelihood is held against the rule's threshold here: a residue of a thousandth
    would keep every draft from a perfect score.
    """

    name = "patterns"

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> tuple[Finding, ...]:
        """One finding a rule. Raises `ValueError` for a rule without `patterns` options, or with an unusable one."""
        text = Text(exchange.judged, normalise(exchange.judged), tuple(readings(exchange.judged)))
        return tuple(self._judge(text, rule) for rule in rules)

    def _judge(self, text: Text, rule: Rule) -> Finding:
        options = rule.patterns
        if options is None:
            raise ValueError(f"the rule {rule.id!r} has no `patterns` options for the critic {self.name!r}")
        search = search_for(options)
        offences = search.offences(text.raw, (text.normal, *text.besides))
        lengths = list(misfits(text.raw, text.normal, options))
        absences = list(search.absences(text.raw, text.normal))
        faults = [*absences, *(misfit.what for misfit in lengths)]
        likely = foreign(text.normal.text, options.languages) if options.languages else 0.0
        doubts = [_tongue(text.normal.text, options)] if likely >= (rule.threshold or EVEN) else []
        excesses = [text.normal.span(*misfit.excess) for misfit in lengths if misfit.excess]
        spans = merged([*offences, *excesses])
        unmendable = [*absences, *doubts, *(misfit for misfit in lengths if misfit.excess is None)]
        return Finding(
            rule=rule.id,
            critic=self.name,
            probability=float(bool(offences or faults or doubts)),
            critique=_listed([*_sayings(text.raw, offences), *faults, *doubts]),
            spans=spans,
            # What is missing, too short or in the wrong language has to be written anew.
            mend=() if unmendable else _mends(text.raw, spans, excesses, options.replace_with),
        )


def _mends(raw: str, spans: Sequence[Span], excesses: Sequence[Span], replacement: str) -> tuple[str, ...]:
    """What to put in the place of each span: nothing for what is too long, which ends the text a sentence earlier.

    None at all where nothing would be left of the text.
    """
    cut = min((span.start for span in excesses), default=len(raw))
    if excesses and not raw[:cut].strip():
        return ()
    return tuple("" if span.end > cut else replacement for span in spans)


def _sayings(raw: str, offences: Sequence[Span]) -> Iterator[str]:
    """What the text says that it must not; the same words are named once."""
    places: dict[str, list[Span]] = {}
    for span in offences:
        places.setdefault(quoted(raw[slice(*span)]).casefold(), []).append(span)
    for first, *others in places.values():
        often = f" {len(others) + 1} times, first" if others else ""
        yield f"says {quoted(raw[slice(*first)])}{often} in {in_context(raw, first)}"


def _tongue(text: str, options: Patterns) -> str:
    found = language(text)
    allowed = " or ".join(options.languages)
    return f"seems to be in {found!r}, must be in {allowed}" if found else f"is not written as {allowed} is"


def _listed(problems: Sequence[str]) -> str:
    more = len(problems) - MAX_PROBLEMS
    return "; ".join(problems[:MAX_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
