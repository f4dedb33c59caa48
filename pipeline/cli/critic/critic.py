"""`superego critic`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import TimeRemainingColumn

import critics
from critics import ExtraMissing
from pipeline.assembly.engines import judging_form
from pipeline.assembly.weights import weights_of
from pipeline.cli.critic.figures import of_adapter, of_heads, table
from pipeline.cli.flags import options
from pipeline.cli.flags.inputs import refuse_over, told_by
from pipeline.cli.terminal.bar import bar
from pipeline.cli.terminal.reporting import DONE, note, reported, say, stdout
from pipeline.errors import BadInput
from pipeline.llama import fingerprint
from pipeline.training.card import STARTED, TOGETHER, Card, write_card
from pipeline.training.examples import LONGEST, cut
from pipeline.training.heads import train_heads
from pipeline.training.rows import Row, read_rows

if TYPE_CHECKING:
    from pipeline.training.judge_adapter import JudgeCheck

Kind = Literal["lora", "probe"]
ActsOn = Literal["exchange", "question"]
_SUFFIXES: dict[Kind, str] = {"lora": ".gguf", "probe": ".safetensors"}
_LAYERS = "14,16,18,20"

app = typer.Typer(help="Make a critic of your own.", no_args_is_help=True)


@app.command("train")
@reported
def train(
    data: Annotated[list[Path], typer.Argument(help="JSON lines or .csv files of labelled exchanges.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="What to write: a .gguf file, of a probe .safetensors.")],
    manifesto: options.ManifestoName = None,
    kind: Annotated[Kind, typer.Option("--kind", help="An adapter for the judge, or a probe of its states.")] = "lora",
    model: Annotated[str, typer.Option("--model", help="embedded, or a GGUF file of the Llama family.")] = "embedded",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Times that each row is learnt from, 1 when not given; lora.")
    ] = None,
    acts_on: Annotated[
        ActsOn | None,
        typer.Option(
            help="All that is read (exchange, when not given), or the question alone: less able, and judged where it "
            "was written; lora."
        ),
    ] = None,
    start: Annotated[Path | None, typer.Option("--start-from", help="An adapter to train further; lora.")] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, max=256, help="How much the adapter can hold, 16 when not given; lora.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1e-6, max=1e-1, help="Peak learning rate, 0.0003 when not given; lora.")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="That are looked at, counted from 0; 14,16,18,20 when not given; probe.")
    ] = None,
    held: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of rows to check with.")] = 0.08,
    check_every: Annotated[
        int | None, typer.Option(min=1, help="Steps of eight exchanges between checks, 100 when not given; lora.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of order, split and first weights.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Do not go on with a run that was stopped; lora.")] = False,
    config: options.ConfigFile = None,
) -> int:
    """Train a critic on labelled exchanges: an adapter for the model that judges, or a probe that looks into it.

    Rows: {"text": user's turn, "response": reply or none, "labels": {rule id or statement: 1 broken, 0 kept}}.
    Stopped with Ctrl-C, the same command goes on with an adapter at its last check.

    Example: superego critic train rows.jsonl -m house-style -o judge.gguf
    """
    settings = options.settings_from(config, manifesto=manifesto)
    path = weights_of(model)
    if path is None:
        raise BadInput(f"{model!r} is not a model in a file: give a path that ends in .gguf, or embedded")
    if out.suffix != _SUFFIXES[kind] or not out.parent.is_dir() or out.is_dir():
        raise BadInput(f"{out} should be a {_SUFFIXES[kind]} file in a folder that exists")
    if kind != "lora" and any((epochs, acts_on, start, rank, rate, check_every, restart)):
        theirs = "--epochs, --acts-on, --start-from, --rank, --rate, --check-every and --restart"
        raise BadInput(f"{theirs} are for a lora: {kind} takes none of them")
    if kind != "probe" and layers is not None:
        raise BadInput(f"--layers is for a probe: {kind} takes none")
    refuse_over(out, (*told_by(settings, config), *data, path, start))
    loaded = critics.load(settings.manifesto, trusted=settings.trusted)
    rows = read_rows(data, loaded)
    labels = [broken for row in rows for broken in row.labels.values()]
    say(f"{len(rows)} exchanges, {len(labels)} labels, {sum(labels)} of them broken")
    if len(set(labels)) < 2:
        raise BadInput("all labels are the same: there is nothing to tell apart")
    if kind == "probe":
        layers = _LAYERS if layers is None else layers
        with bar("looking", TimeRemainingColumn()) as (stepped, _):
            told = train_heads(
                rows, loaded, path, out, layers=_numbers(layers), form=judging_form(path, settings), held=held,
                threads=settings.threads, seed=seed, stepped=partial(stepped, "looking"),
            )  # fmt: skip
        what, made = f"A probe that looks into {path.stem}.", {"layers": layers, "seed": seed}
        _told(out, rows, path, Card(what, made, of_heads(told), told.prompts_apart))
        say(f"To use it: `critics: [probe]` in a rule, and `probe: {{file: {out}}}` in superego.yaml")
        return DONE
    _train_adapter(
        rows, path, out, threads=settings.threads, held=held, resume=not restart, start=start,
        acts_on=acts_on or "exchange", rank=rank or 16, alpha=2 * (rank or 16), rate=rate or 3e-4, epochs=epochs or 1,
        check_every=check_every or 100, seed=seed,
    )  # fmt: skip
    say(f"To use it: superego judge --adapter {out} …, or `judge: {{adapter: {out}}}` in superego.yaml")
    return DONE


def _train_adapter(
    rows: Sequence[Row],
    weights: Path,
    out: Path,
    *,
    threads: int | None,
    held: float,
    resume: bool,
    start: Path | None,
    **plan: Any,
) -> None:
    try:
        from pipeline.training.judge_adapter import train_adapter  # takes seconds, and an extra
        from pipeline.training.lora import JudgePlan
    except ImportError as exc:
        raise ExtraMissing("trained judge", "adapter") from exc
    if part := _in_part(rows):
        note(part)
    started = time.monotonic()
    with bar("training", TimeRemainingColumn()) as (stepped, tell):

        def told(check: JudgeCheck) -> None:
            minutes = (time.monotonic() - started) / 60
            tell(
                f"step {check.step} of {check.steps}: loss {check.loss:.3f}, held out {check.held_loss:.3f}, "
                f"AUROC {check.held_auroc:.3f} ({minutes:.0f} min)"
            )

        trained = train_adapter(
            rows, weights, out, JudgePlan(**plan), start=start, held=held, threads=threads, resume=resume,
            stepped=partial(stepped, "training"), checked=told,
        )  # fmt: skip
    what = f"A LoRA adapter with which {weights.stem} judges an exchange by rules."
    steps = f"{trained.kept.step} of the {trained.checks[-1].step} that were taken"
    made = plan | {"steps": steps} | ({"started from": start.name} if start else {})
    made |= {"learnt from in part": part} if part else {}
    card = Card(what, made, of_adapter(trained), trained.prompts_apart, trained.chose, started=start is not None)
    _told(out, rows, weights, card)


def _in_part(rows: Sequence[Row]) -> str:
    """What to say of rows that are not learnt from whole; empty where there are none."""
    long = [row for row in rows if cut(row)]
    if not long:
        return ""
    broken = sum(any(row.labels.values()) for row in long)
    return (
        f"of {len(long)} exchanges what is judged, or its sources together, is longer than the {LONGEST} characters "
        f"that are learnt from, and {broken} of these break a rule, perhaps in what is not seen; those that are held "
        "out are measured whole"
    )


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as exc:
        raise BadInput(f"--layers {text!r}: give numbers with commas between them, like 14,16,18,20") from exc


def _told(out: Path, rows: Sequence[Row], weights: Path, card: Card) -> None:
    """Print the figures, and write the card, which is told the weights."""
    stdout().print(table(card.figures))
    if not card.prompts_apart:
        note(f"{TOGETHER}: give more prompts, or a higher --held")
    if card.started:
        note(STARTED)
    made = {"weights": f"{weights.name}, fingerprint {fingerprint(weights)[:16]}", **card.made}
    path = write_card(out, rows, replace(card, made=made))
    say(f"{out} is there, and a card to go with it, {path}: finish it before you give either away")
    if path.stem != out.stem:
        say("an earlier card is kept as it is: what it says is of what was there before", style="yellow")
