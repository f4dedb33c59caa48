"""`superego eval`: how good the critics are on labelled rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeElapsedColumn, TimeRemainingColumn

from critics import Manifesto
from pipeline.assembly import assemble
from pipeline.assembly.fitted import models
from pipeline.cli.evaluation.figures import show
from pipeline.cli.flags import options
from pipeline.cli.flags.inputs import refuse_over, told_by
from pipeline.cli.terminal.bar import bar
from pipeline.cli.terminal.report_file import writable, write
from pipeline.cli.terminal.reporting import DONE, FAULT, note, reported, say
from pipeline.evaluation import (
    Judged,
    Row,
    evaluate,
    evaluation_record,
    judge_row,
    needed,
    only_critics,
    page,
    paired,
    read_rows,
    read_saved,
    refuse_saved,
    saving,
)
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings

Data = Annotated[list[Path], typer.Argument(help="JSON lines or .csv: text, response, label (0 or 1), rule, labels.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Rows of each file at most, evenly spread.", show_default=False)
]


@reported
def evaluate_critics(
    data: Data,
    manifesto: options.ManifestoName = None,
    critic: Annotated[
        list[str] | None, typer.Option("--critic", help="Judge by this critic alone; may be given again.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page of HTML.", show_default=False)] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Keep what was judged, a row a line.", show_default=False)
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="Another run's --save, on the same rows.", show_default=False)
    ] = None,
    limit: Limit = None,
    as_json: options.Json = False,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    base_url: options.BaseUrl = None,
    config: options.ConfigFile = None,
) -> int:
    """Measure the critics of a manifesto on labelled rows, with intervals, and beside baselines that cost nothing.

    Exit code 1 if every row is undecided.

    Example: superego eval replies.jsonl -m house-style --report page.html
    """
    needed()
    settings = options.settings_from(config, manifesto=manifesto, judge=judge, adapter=adapter, base_url=base_url)
    if report:
        writable(report)
        refuse_over(report, (*told_by(settings, config), *data, compare, save))
    if save:
        refuse_saved(save)
    rows = read_rows(data, limit=limit)
    other = read_saved([compare], note) if compare else None
    if other is not None:
        paired(rows, other)  # what cannot be compared is told before an hour of judging, not after
    loaded = options.manifesto_from(settings)
    judging = only_critics(loaded, tuple(critic)) if critic else loaded
    judged = judge_all(judging_pipeline(judging, settings), rows, models(settings), save)
    evaluation = evaluate(loaded, rows, judged, critics=critic or (), other=other)
    if as_json:
        print(json.dumps(evaluation_record(evaluation), indent=2))
    else:
        show(evaluation)
    if report:
        write(report, page(evaluation))
        say(f"the report is in {report}")
    if all(row.outcome == "undecided" for row in judged):
        say("nothing could be measured: every row is undecided", style="red")
        return FAULT
    return DONE


def judging_pipeline(manifesto: Manifesto, settings: Settings) -> Pipeline:
    """A pipeline that only judges, and asks for no critique in prose: nobody would read it, and it costs the most."""
    quiet = settings.judge.model_copy(update={"critiques": False})
    return assemble(manifesto, settings.model_copy(update={"judge": quiet}), drafts=False)


def judge_all(pipeline: Pipeline, rows: Sequence[Row], by: Mapping[str, str], save: Path | None = None) -> list[Judged]:
    """Every row judged by these models, with a bar on a terminal. Stopped, it says where the rows judged so far are."""
    judged: list[Judged] = []
    try:
        with saving(save) as keep, bar("judging", TimeElapsedColumn(), TimeRemainingColumn()) as (stepped, _):
            stepped("judging", 0, len(rows))
            for row in rows:
                judged.append(judge_row(pipeline, row, by))
                keep(judged[-1])
                stepped("judging", len(judged), len(rows))
    except KeyboardInterrupt:
        kept = f"; they are kept in {save}.partial" if save and judged else ""
        say(f"stopped after {len(judged)} of {len(rows)} rows{kept}")
        raise
    return judged
