"""An answer, and what became of it, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from pipeline.cli.tune.view import words
from pipeline.cli.tune.view.diff import word_diff
from pipeline.tuning import Difference, Result

_STYLES = {"went": "red strike", "came": "green", "same": "dim"}
_SIGNS = {"went": "[-{}-]", "came": "{{+{}+}}", "same": "{}"}
"""Where there is no colour, as `wdiff` writes it."""


def answer(result: Result) -> Text:
    """The text that was judged, with the places in it that break rules."""
    text = Text(result.text, "dim")
    for judgement in result.verdict.of("broken"):
        for finding in judgement.findings:
            for start, end in finding.spans:
                text.stylize("not dim red underline", start, end)
    text.rstrip()
    if result.written.finish == "length":
        text.append(" … (cut)", "dim italic")
    return _dense(text)


def standing(result: Result) -> Iterator[Text]:
    """What is wrong with an answer, a line each."""
    if result.fault:
        yield Text(f"the model failed: {result.fault}", "red")
    yield from (Text(f"✗ {words.why(j)}", "red") for j in result.judgements if j.outcome == "broken")
    yield from (Text(f"? undecided: {words.why(j)}", "yellow") for j in result.open)
    if short := words.shortfall(result):
        yield Text(f"✗ {short}", "red")


def news(told: Difference) -> Iterator[Text]:
    """What is otherwise than before, a line each."""
    if told.after.fault:
        yield Text(f"the model failed: {told.after.fault}", "red")
    yield from (Text(f"broken: {words.why(j)}", "red") for j in told.broken)
    yield from (Text(f"mended: {rule}", "green") for rule in told.mended)
    yield from (Text(f"undecided: {words.why(j)}", "yellow") for j in told.undecided)
    if told.settled and (short := words.shortfall(told.after)):
        yield Text(short, "red")


def changed(before: str, after: str, *, plain: bool) -> list[Text]:
    """Word by word, or where little stayed, one after the other. Where `plain`, signs tell which is which."""
    parts = word_diff(before, after)
    if parts is None:
        return [_dense(Text(f"- {before.strip()}", "red")), _dense(Text(f"+ {after.strip()}", "green"))]
    text = Text()
    for part in parts:
        body = part.text.rstrip()
        text.append(_SIGNS[part.kind].format(body) if plain else body, _STYLES[part.kind])
        text.append(part.text[len(body) :])
    return [_dense(text)]


def _dense(text: Text) -> Text:
    """Without lines that are blank: an editor has the other half of the screen."""
    lines = [line for line in text.split("\n") if line.plain.strip()]
    return Text("\n").join(lines)
