"""The page. Everything that came from data is escaped, and isolated where it might turn the line around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from pipeline.batch.report.counts import Counts, RuleCount
from pipeline.batch.report.plots import plots
from pipeline.batch.report.worst import Draft
from pipeline.loop import STOPS
from pipeline.pages import card, cards, document, table

MANIFESTOS = 10
"""Shown at most: records may each name their own."""
_ENDED = {str(reason): said for reason, said in STOPS.items()} | {"fault": "it could not be asked or answered"}
_RULES = ("rule", "judged", "broken", "share", "undecided", "released all the same")
_HOW = (
    "A prompt is asked, and its answer released when a draft passes: the first one, or one that was revised. What does "
    "not pass is withheld; what could not be asked or answered is faulted. A draft that breaks a rule is released all "
    "the same where the rule's action is to flag or to redact, or where the manifesto releases the best of what failed."
)


def page(asked: Mapping[str, str], counts: Counts, worst: Sequence[Draft]) -> str:
    """A document of its own, with pictures inside. Raises `ExtraMissing` without matplotlib."""
    drawn = plots(counts)
    body = [
        _asked(asked, counts),
        _overview(counts),
        f'<p class="dim">{_HOW}</p>',
        "<h2>How it went</h2>",
        f'<div class="plots">{"".join(drawn)}</div>' if drawn else "",
        _ends(counts),
        _rules("Rules", "drafts", counts.rules),
        _rules("Rules for input", "prompts", counts.inputs),
        _cost(counts),
        _faults(counts),
        _worst(worst),
    ]
    return document("What came of the batch", body)


def _asked(asked: Mapping[str, str], counts: Counts) -> str:
    lines = [(name, value) for name, value in asked.items() if value]
    for (name, version, hash_), count in counts.judged_by.most_common(MANIFESTOS):
        lines.append(("manifesto", f"{name}, version {version}, {hash_[:12]}: {count:,} prompts"))
    if (others := len(counts.judged_by) - MANIFESTOS) > 0:
        lines.append(("manifesto", f"and {others:,} others"))
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in lines)
    return f'<dl class="facts">{told}</dl>'


def _overview(counts: Counts) -> str:
    every, released = counts.records(), counts.records("released")
    shown = [
        card("asked", f"{every:,}", f"{counts.drafts:,} drafts"),
        card("released", f"{released:,}", _share(released, every)),
        card("at the first draft", f"{counts.at_once:,}", _share(counts.at_once, every)),
        card("revised", f"{released - counts.at_once:,}", _share(released - counts.at_once, every)),
    ]
    for status in ("withheld", "faulted"):
        shown.append(card(status, f"{counts.records(status):,}", _share(counts.records(status), every)))
    return cards(shown)


def _ends(counts: Counts) -> str:
    every = counts.records()
    rows = [
        (f"{status}: {_why(reason)}", [f"{count:,}", _share(count, every)])
        for status in ("released", "withheld", "faulted")
        for reason, count in counts.reasons(status)
    ]
    return table("Why it ended", ("why it ended", "prompts", "share"), rows) if rows else ""


def _why(reason: str) -> str:
    return escape(_ENDED.get(reason, reason))


def _rules(title: str, what: str, rules: Mapping[str, RuleCount]) -> str:
    if not rules:
        return ""
    rows = [
        (
            escape(rule),
            [
                f"{own.judged:,}",
                f"{own.broken:,}",
                _share(own.broken, own.judged),
                f"{own.undecided:,}",
                f"{own.released:,}",
            ],
        )
        for rule, own in sorted(rules.items(), key=lambda item: (-item[1].broken, item[0]))
    ]
    return f'<h2>{title}</h2><p class="dim">In how many {what}.</p>{table(title, _RULES, rows)}'


def _cost(counts: Counts) -> str:
    every, released = counts.records(), counts.records("released")
    written = counts.tokens["generator_completion_tokens"]
    read = counts.tokens["generator_prompt_tokens"]
    judging = counts.tokens["critic_prompt_tokens"] + counts.tokens["critic_completion_tokens"]
    total = written + read + judging
    if not total:
        return ""
    shown = [
        card("tokens read", f"{read:,}", "by the generator"),
        card("tokens written", f"{written:,}", "by the generator"),
        card("not released", _share(written - counts.kept, written), "of what was written"),
        card("tokens of critics", f"{judging:,}", f"{_share(judging, total)} of all"),
        card("an answer", f"{total / released:,.0f} tokens" if released else "–", "all tokens by answers released"),
        card("a prompt", f"{counts.seconds / every:,.2f} s", f"{counts.slowest:,.2f} s the slowest"),
    ]
    note = (
        "What each prompt cost when it was paid for, also where it was found in the cache. The seconds are each "
        "prompt’s own; several are under way at once."
    )
    return f'<h2>Cost</h2>{cards(shown)}<p class="dim">{note}</p>'


def _faults(counts: Counts) -> str:
    if not counts.faults:
        return ""
    rest = counts.records("faulted") - len(counts.faults)
    shown = "".join(f"<li>{escape(fault)}</li>" for fault in counts.faults)
    more = f"<p>And {rest:,} more.</p>" if rest > 0 else ""
    return f"<h2>Faults</h2><ul>{shown}</ul>{more}"


def _worst(drafts: Iterable[Draft]) -> str:
    shown = "".join(map(_draft, drafts))
    if not shown:
        return ""
    return (
        '<h2>The worst drafts</h2><details class="worst"><summary>Show drafts that broke the rules most surely, one of '
        f"a prompt (may be harmful text)</summary>{shown}</details>"
    )


def _draft(draft: Draft) -> str:
    why = "".join(
        f"<li><strong>{escape(rule)}</strong>{escape(f': {said}') if said else ''}</li>"
        for rule, said in draft.why.items()
    )
    return (
        f"<details><summary>{draft.breach:.2f} · <bdi>{escape(_named(draft))}</bdi>, draft {draft.number} of "
        f"{draft.drafts}, {draft.status}: {escape(', '.join(draft.why))}</summary>"
        f"<ul>{why}</ul><blockquote>{escape(draft.text)}</blockquote></details>"
    )


def _named(draft: Draft) -> str:
    name = str(draft.id)
    name = name if len(name) <= 60 else name[:59] + "…"
    return f"{name} (line {draft.line})" if name != str(draft.line) else f"line {name}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
