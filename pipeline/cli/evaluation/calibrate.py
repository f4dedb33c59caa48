"""`superego calibrate`: thresholds and calibrations from labelled rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from critics import Manifesto
from pipeline.assembly.fitted import fitted, models
from pipeline.cli.evaluation.calibrate_figures import beyond, plain, show
from pipeline.cli.evaluation.evaluate import judge_all, judging_pipeline
from pipeline.cli.flags import options
from pipeline.cli.flags.inputs import refuse_over, told_by
from pipeline.cli.terminal.reporting import DONE, note, reported, say
from pipeline.errors import BadInput
from pipeline.evaluation import Judged, Row, needed, only_rules, read_rows, read_saved, refuse_saved
from pipeline.evaluation.calibrating import (
    HOW,
    Aim,
    Calibrated,
    Method,
    Sample,
    calibrate,
    extends_from,
    judged_by,
    overlay,
    refuse_few,
    refuse_other_words,
    refuse_overwriting,
    samples,
    told_of,
    write_overlay,
)
from pipeline.settings import Settings

Choice = Literal["auto", "temperature", "platt", "isotonic"]


@reported
def calibrate_critics(
    output: Annotated[Path, typer.Option("-o", "--output", help="The manifesto to write, which extends -m.")],
    data: Annotated[
        list[Path] | None, typer.Argument(help="JSON lines or .csv: text, response, label (0 or 1), rule, labels.")
    ] = None,
    manifesto: options.ManifestoName = None,
    saved: Annotated[
        list[Path] | None, typer.Option("--from", help="What eval --save kept, instead of judging data.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", help="Calibrate this rule alone, and take every label that names no rule for its."),
    ] = None,
    method: Annotated[
        Choice, typer.Option("--method", help="auto takes the lowest cross-validated log loss.")
    ] = "auto",
    max_fpr: Annotated[
        float | None, typer.Option("--max-fpr", min=0, max=1, help="False positives that may be.", show_default=False)
    ] = None,
    cost_ratio: Annotated[
        float | None,
        typer.Option(
            "--cost-ratio", min=0.001, max=1000, help="False alarms that a miss is worth.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Rows of each file at most, evenly spread.", show_default=False)
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Keep what was judged, for --from.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    as_json: options.Json = False,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    base_url: options.BaseUrl = None,
    config: options.ConfigFile = None,
) -> int:
    """Fit what critics say to what is true, choose thresholds, and write a manifesto with both. Without --max-fpr and
    --cost-ratio, thresholds are for the best F1.

    Example: superego calibrate replies.jsonl -m own.yaml -o own-calibrated.yaml --max-fpr 0.05
    """
    needed()
    if bool(data) == bool(saved):
        raise BadInput("give either data to judge or --from with what was judged")
    if saved and limit is not None:
        raise BadInput("--limit is about data to judge: all that --from has is taken")
    if max_fpr is not None and cost_ratio is not None:
        raise BadInput("give either --max-fpr or --cost-ratio: a threshold serves one of them")
    if save and saved:
        raise BadInput("--save keeps what is judged, and with --from nothing is")
    settings = options.settings_from(config, manifesto=manifesto, judge=judge, adapter=adapter, base_url=base_url)
    refuse_overwriting(output, settings.manifesto, force=force)
    refuse_over(output, (*told_by(settings, config), *(saved or data or ())))
    if save:
        refuse_over(save, (*told_by(settings, config), *(data or ()), output))
        refuse_saved(save)
    loaded = options.manifesto_from(settings)
    aim = Aim(max_fpr, cost_ratio)
    if saved:
        judged = read_saved(saved, note)
    else:
        rows = read_rows(data or [], limit=limit)
        judged = _judged(rows, fitted(loaded, settings), settings, rule, aim, save)
    refuse_other_words(loaded, judged)
    if any(row.prompt is None for row in judged):
        note("note: some rows do not say which have one prompt, so copies and replies to one count as if apart")
    by = judged_by(judged)
    found, left = samples(fitted(loaded, settings, by), judged, rule)
    done = _calibrated(found, left, None if method == "auto" else method, aim)
    today = datetime.now(UTC).date()
    files = ", ".join(file.name for file in saved or data or [])
    header = [
        f"Written by `superego calibrate` on {today} from {files} ({len(judged)} rows), with thresholds for",
        f"{aim.words}. {HOW}",
    ]
    write_overlay(
        output,
        overlay(loaded, extends_from(settings.manifesto, output), done, header, by),
        trusted=settings.trusted,
    )
    if as_json:
        print(json.dumps({"output": str(output), "rules": [plain(each) for each in done], "left_out": left}, indent=2))
    else:
        show(done)
    for given in done:
        if given.breaks_all:
            note(
                f"note: {given.rule.id}: its new threshold takes every row for broken, its critics tell too little: "
                "give it a better one, or bound the alarms with --max-fpr"
            )
        if max_fpr is not None and (said := beyond(given, max_fpr)):
            note(f"note: {said}")
    for name, why in left.items():
        say(f"not calibrated: {name}: {why}", style="yellow")
    say(f"written: {output}; use it with -m {output}")
    return DONE


def _calibrated(found: Sequence[Sample], left: dict[str, str], method: Method | None, aim: Aim) -> list[Calibrated]:
    """Each rule that can be; why another cannot goes to those that are `left`. Raises `BadInput` where none can."""
    done: list[Calibrated] = []
    for sample in found:
        try:
            done.append(calibrate(sample, method=method, aim=aim))
        except BadInput as exc:
            left[sample.rule.id] = str(exc)
    if not done:
        raise BadInput("\n".join(f"{name}: {why}" for name, why in left.items()))
    return done


def _judged(
    rows: Sequence[Row], manifesto: Manifesto, settings: Settings, rule: str | None, aim: Aim, save: Path | None
) -> list[Judged]:
    """Rows judged by the rules that they tell of, and by every critic of each: a cascade would not ask some of them."""
    manifesto = manifesto.model_copy(
        update={"rules": tuple(rule.model_copy(update={"open_between": None}) for rule in manifesto.rules)}
    )
    rules = told_of(manifesto, rows, rule)
    refuse_few(manifesto, rules, rows, rule, aim)
    told = {each.id for each in rules}
    sides = {each.applies_to for each in manifesto.rules if each.id in told}
    pipeline = only_rules(judging_pipeline(manifesto, settings), told)
    return judge_all(pipeline, [row for row in rows if row.side in sides], models(settings), save)
