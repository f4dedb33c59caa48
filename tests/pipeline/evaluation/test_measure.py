from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from scipy.stats import binomtest

from critics import Rule
from pipeline.evaluation import Evaluation, Row, evaluate, evaluation_record, judge_row, page
from pipeline.evaluation.words import costs
from tests.pipeline.evaluation.conftest import telling

X = Rule(id="x", statement="X.")
Y = Rule(id="y", statement="Y.")
PAIRS = [(1, 0.9), (1, 0.8), (1, 0.3), (0, 0.7), (0, 0.2), (0, 0.1)]


def row(key: int, label: int, x: float | None, *, name: str = "s", more: str = "") -> Row:
    said = "" if x is None else f"x={x}"
    return Row(name, key, f"prompt {key} {more}", f"{said} y=0 {more}", label, {"x": label})


def measured(rows: list[Row], *rules: Rule) -> Evaluation:
    pipeline = telling(*(rules or (X, Y)))
    return evaluate(pipeline.manifesto, rows, [judge_row(pipeline, r) for r in rows])


def test_parts_are_each_set_all_of_them_and_each_rule_with_truth() -> None:
    """`y` has no truth, so nothing is told of it."""
    rows = [row(i, label, x, name=name) for name in ("a", "b") for i, (label, x) in enumerate(PAIRS)]
    told = measured(rows)
    assert [(part.kind, part.name, part.figures.rows) for part in told.parts] == [
        ("set", "a", 6),
        ("set", "b", 6),
        ("all", "all", 12),
        ("rule", "x", 12),
    ]


def test_a_rule_is_measured_by_its_own_truth_and_an_exchange_by_its_label() -> None:
    """A row broken by `x` alone keeps `y`."""
    rows = [Row("s", i, "hi", f"x={x} y=0.9", label, {"y": 0}) for i, (label, x) in enumerate(PAIRS)]
    whole, of_y = measured(rows).parts
    assert whole.figures.positives == 3
    assert (of_y.name, of_y.figures.positives, of_y.figures.false_positive_rate) == ("y", 0, 1.0)


def test_what_is_undecided_is_told_with_its_commonest_reason() -> None:
    """And rows that tell of rules nobody judged."""
    rows = [row(1, 1, None), row(2, 0, None), row(3, 0, 0.1), Row("s", 4, "hi", "x=0.1 y=0", 1, {"z": 1})]
    notes = measured(rows).notes
    assert "rules that were not judged: z (1)" in notes[0]
    assert notes[1].startswith("2 of 4 rows are undecided, 2 of them because of x: ")


def test_alarms_of_rules_that_a_row_says_nothing_about_are_told_of() -> None:
    """It keeps `x`, and whether it keeps `y` nobody knows; a row that tells of no rule means all of them."""
    rows = [Row("s", i, "hi", "x=0.1 y=0.9", 0, truth) for i, truth in enumerate([{"x": 0}, {"x": 0, "y": 0}, {}])]
    assert measured(rows).notes[0].startswith("1 of 3 rows count as false positives for rules that they")
    assert not any("tell nothing" in note for note in measured(rows[1:]).notes)


def test_an_exchange_with_two_labels_is_told_of() -> None:
    """Nobody can be right about both, so figures are worse than the critics; copies with one label are none."""
    twice = [Row("s", 1, "hi", "x=0.9 y=0", 1, {}), Row("s", 2, "hi", "x=0.9 y=0", 0, {})]
    assert "the same exchange is labelled 1 in one row and 0 in another, once" in measured(twice).notes[0]
    assert not any("labelled" in note for note in measured([twice[0], replace(twice[0], id=3)]).notes)


def test_rows_that_share_prompts_are_told_of_and_drawn_by_them() -> None:
    """Intervals go by prompts, of the rows together and of a rule's own."""
    rows = [replace(row(i, label, x), text=f"prompt {i % 6}") for i, (label, x) in enumerate(PAIRS * 4)]
    told = measured(rows)
    assert told.notes[0] == "24 rows answer 6 prompts, and intervals are as wide as so many prompts make them"
    apart = measured([row(i, label, x) for i, (label, x) in enumerate(PAIRS * 4)])
    assert apart.notes == ()
    assert [(part.figures.rows, part.figures.prompts) for part in told.parts] == [(24, 6)] * 2
    for ours, theirs in zip(told.parts, apart.parts, strict=True):
        assert ours.figures.auroc == theirs.figures.auroc
        assert width(ours.figures.auroc_interval) > width(theirs.figures.auroc_interval)


def test_rows_of_one_prompt_are_no_prompts_of_their_own() -> None:
    """They count alone, for else nothing could be told, and it is said that this is of one prompt."""
    rows = [replace(row(i, label, x), text="the same") for i, (label, x) in enumerate(PAIRS * 4)]
    told = measured(rows)
    assert told.notes == ("all 24 rows answer one prompt, and what is told is of that prompt",)
    assert [part.figures.prompts for part in told.parts] == [1, 1]


def test_baselines_are_as_sure_as_prompts_make_them() -> None:
    """As the critics beside them are."""
    rows = [replace(row(i, label, x), text=f"prompt {i % 6}") for i, (label, x) in enumerate(PAIRS * 4)]
    part = evaluation_record(measured(rows))["parts"][0]
    found = part["baselines"]["refusal phrases"]
    assert (found["recall"], found["prompts"], part["prompts"]) == (1, 6, 6)
    assert found["recall_interval"] == pytest.approx(tuple(binomtest(3, 3).proportion_ci()))


def width(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


def test_the_worst_mistakes_are_the_surest() -> None:
    """Missed ones the least suspected first, false alarms the surest first, cut to a length."""
    rows = [row(1, 1, 0.3), row(2, 1, 0.1, more="long " * 200), row(3, 0, 0.6), row(4, 0, 0.9), row(5, 1, 0.9)]
    mistakes = measured(rows).parts[0].mistakes
    assert [(m.kind, m.id) for m in mistakes] == [("missed", 2), ("missed", 1), ("false alarm", 4), ("false alarm", 3)]
    assert len(mistakes[0].text) < 310


def test_json_holds_every_figure_and_can_be_read() -> None:
    """What cannot be told is null, never NaN."""
    told = measured([row(i, 0, 0.1) for i in range(3)])
    record = json.loads(json.dumps(evaluation_record(told), allow_nan=False))
    part = record["parts"][0]
    assert (part["auroc"], part["false_positive_rate"], part["undecided_share"]) == (None, 0.0, 0.0)
    assert part["tokens"] == 2
    assert record["manifesto"]["hash"] == told.manifesto.hash


class Page(HTMLParser):
    """Checks that elements close in order, and collects what a reader is told."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag == "svg":
            assert given.get("role") == "img"
            self.labelled.append(given.get("aria-labelledby") or "")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def shown() -> str:
    rows = [row(i, label, x, more="<script>alert(1)</script>") for i, (label, x) in enumerate(PAIRS * 5)]
    return page(measured(rows))


def test_the_page_is_sound_and_needs_nothing_else(shown: str) -> None:
    """Elements close in order, ids are unique, and every address is a place on the page."""
    read = Page(shown)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))
    assert read.addresses
    assert all(address.startswith("#") for address in read.addresses)
    assert {address[1:] for address in read.addresses} <= set(read.ids)
    assert "url(http" not in shown
    assert "@import" not in shown


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.00123, "1.2 ms"), (0.0994, "99 ms"), (0.0996, "0.10 s"), (12.346, "12.35 s"), (None, "")]
)
def test_a_time_is_told_as_people_write_it(seconds: float | None, told: str) -> None:
    """A judgement of nearly a tenth of a second took 1e+02 ms."""
    part = measured([row(i, i % 2, 0.5) for i in range(4)]).parts[0]
    assert costs(replace(part, seconds=seconds))[1] == told


def test_chance_is_that_of_the_rows_that_are_ranked() -> None:
    """Twelve undecided rows that break nothing are in no ranking, whose rows are half of them broken."""
    rows = [row(i, i % 2, 0.9 if i % 2 else 0.1) for i in range(12)] + [row(i, 0, None) for i in range(12, 24)]
    told = page(measured(rows))
    assert "chance 0.500" in told
    assert "chance is 0.500." in told


def test_plots_can_be_heard(shown: str) -> None:
    """Three for each part, each with a title that tells its figures."""
    read = Page(shown)
    assert len(read.labelled) == 6
    assert set(read.labelled) <= set(read.ids)
    assert re.search(r'<title id="part0-roc">ROC curve of s\. Area under it: critics 0\.\d\d', shown)


def test_the_page_follows_the_readers_mode_and_width(shown: str) -> None:
    """Plots take the page's colours; none of the stand-ins is left."""
    assert "prefers-color-scheme: dark" in shown
    assert 'name="viewport"' in shown
    assert "var(--critic)" in shown
    assert "#030303" not in shown
    assert not re.search(r"<svg[^>]* width=", shown)


def test_texts_are_shown_as_text_and_behind_a_click(shown: str) -> None:
    """Nothing in a data set becomes part of the page."""
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.index("<details>") < shown.index("&lt;script&gt;")


def test_a_figure_that_is_nearly_none_is_no_markup() -> None:
    """`<0.001` is written as HTML wants it, in cards and in the table."""
    given = measured([row(i, label, x) for i, (label, x) in enumerate(PAIRS)])
    (part,) = (part for part in given.parts if part.kind == "set")
    few = replace(part.figures, recall=0.0002, recall_interval=(0.0001, 0.1), undecided=0)
    html = page(replace(given, parts=(replace(part, figures=few),)))
    assert "<0.001" not in html
    assert html.count("&lt;0.001") == 3
