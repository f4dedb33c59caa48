"""`superego identity compare`: builds the forms, measures them, and shows them beside one another."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from critics import ExtraMissing, Manifesto
from critics import load as load_manifesto
from pipeline.assembly import Parts, asks_model
from pipeline.cli.flags import options
from pipeline.cli.flags.prompt_file import single_prompts
from pipeline.cli.identity.lessons import Wanted
from pipeline.cli.identity.lora import build_lora
from pipeline.cli.terminal.reporting import DONE, reported, say, stdout
from pipeline.errors import BadInput, ModelFault
from pipeline.identity import Worn, build_state, preprompt, read_state, refuse_unheard, write_state
from pipeline.identity.plot import refuse_plot, write_plot
from pipeline.identity.questions import Question, chance, ordinary_questions, read_questions
from pipeline.llama import MADE_FOR, Adapter, Engine, LlamaModel, LlamaReader, made_for_others
from pipeline.pipeline import Pipeline
from pipeline.rounding import share
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.identity.compare import Drafts, Effect, Form


class Built(StrEnum):
    """The forms that are made of a manifesto's words here."""

    PREPROMPT = "preprompt"
    STATE = "state"
    STEER = "steer"


PROMPTS = 24
"""Of the project's own, that are measured with by itself."""

# Broken here, so that a terminal of eighty columns cuts none of their words.
_COLUMNS = (
    "identity", "recovered", "first\ndrafts\npassed", "drafts\nper\nrelease", "context", "build,\ns", "load,\nms",
    "perplexity\nratio", "right",
)  # fmt: skip


@reported
def compare(
    manifesto: options.ManifestoName = None,
    lora: Annotated[
        Path | None, typer.Option("--lora", help="A trained adapter, to be measured as well.", show_default=False)
    ] = None,
    train_lora: Annotated[
        bool, typer.Option("--train-lora", help="Build a lora, a quarter of an hour, and measure it as well.")
    ] = False,
    without: Annotated[
        list[Built] | None,
        typer.Option("--without", help="A form to leave out, as steer, which takes longest; several times."),
    ] = None,
    prompts: Annotated[
        int | None,
        typer.Option(min=4, max=40, help="How many are measured with: 24, or all of yours.", show_default=False),
    ] = None,
    prompts_from: Annotated[
        Path | None,
        typer.Option(
            "--prompts-from", help="Prompts of yours to measure with, a line each or JSONL.", show_default=False
        ),
    ] = None,
    questions_from: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            help="An ordinary task, to see what each form costs it: JSONL of prompt, choices and answer, the right "
            "one's place from 0 on. The project's own hundred when not given.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all answers.")] = 0,
    ask: Annotated[bool, typer.Option(help="Whether to take the prompts through the loop as well.")] = True,
    max_tokens: Annotated[int, typer.Option(min=16, help="Of one draft.")] = 128,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="A picture as well: a .svg, .png or .html file.", show_default=False),
    ] = None,
    as_json: options.Json = False,
    generator: options.GeneratorName = None,
    config: options.ConfigFile = None,
) -> int:
    """Measure none, the pre-prompt, state and steer side by side, on prompts that none was built from: some minutes.

    A lora is beside them where a file is given, or one is to be trained.

    Example: superego identity compare -m house-style
    """
    settings = options.settings_from(config, manifesto=manifesto, generator=generator, max_tokens=max_tokens)
    loaded = load_manifesto(settings.manifesto, trusted=settings.trusted)
    if plot is not None:
        refuse_plot(plot)
    chosen = measured_with(prompts_from, prompts)
    questions = read_questions(questions_from) if questions_from else ordinary_questions()
    if train_lora and lora:
        raise BadInput("--lora names a trained adapter and --train-lora trains one: give one of them")
    with tempfile.TemporaryDirectory() as folder:
        rows = compared(
            loaded, settings, Path(folder), chosen,
            questions=questions, without=without or (), lora=lora, trains=train_lora, seed=seed, asks=ask,
        )  # fmt: skip
    if as_json:
        print(json.dumps({"manifesto": loaded.name, "hash": loaded.hash, "seed": seed, "identities": rows}, indent=2))
    else:
        stdout().print(table(rows))
    if plot is not None:
        write_plot(plot, loaded.name, rows)
    return DONE


def measured_with(file: Path | None, count: int | None) -> list[str]:
    """The prompts in a file of the user's own, or those of the project's that no identity is built from. Raises
    `BadInput`, `ExtraMissing`."""
    if file is not None:
        return single_prompts(file)[:count]
    try:
        from pipeline.identity.steer.probes import held_out_prompts
    except ImportError as exc:
        raise ExtraMissing("steer", "identity", kind="identity") from exc
    return held_out_prompts()[: count or PROMPTS]


def compared(
    manifesto: Manifesto,
    settings: Settings,
    folder: Path,
    chosen: Sequence[str],
    *,
    questions: Sequence[Question] = (),
    without: Collection[Built] = (),
    lora: Path | None = None,
    trains: bool = False,
    seed: int = 0,
    asks: bool = True,
    told: Callable[[str], None] = say,
) -> dict[str, dict[str, Any]]:
    """A row a form, by its name, measured with the prompts that were chosen. What is built is kept in `folder`."""
    try:
        from pipeline.identity.compare import Form, drafts, effects
        from pipeline.identity.steer.probes import probed
    except ImportError as exc:
        raise ExtraMissing("steer", "identity", kind="identity") from exc
    training = None
    if trains:
        told("training an adapter on what it answers")
        began = time.perf_counter()
        figures, _ = build_lora(manifesto, settings, Wanted(folder / "lora.gguf", seed=seed))
        training, lora = time.perf_counter() - began, Path(str(figures["file"]))  # one that was rejected as well
    parts, scale = Parts(settings, judged=False), settings.identity.scale
    try:
        engine, weights = parts.drafting()
        refuse_unheard(engine.model, preprompt(manifesto))
        trained = [_trained(engine, weights, lora, scale, training)] if lora else []  # first, since it may not be one
        forms = [Form("none"), *_built(manifesto, parts, folder, without, scale, seed, told), *trained]
        told(f"reading {len(chosen)} answers in {len(forms)} ways")
        probes = probed(engine, preprompt(manifesto), chosen, seed=seed + 500)
        if questions:
            told(f"{len(questions)} questions in {len(forms)} ways; blind choice gets {chance(questions):.2f} right")
        measured = effects(
            forms, preprompt(manifesto), probes, LlamaModel(weights), questions=questions, threads=settings.threads
        )
    finally:
        parts.close()
    rows = {form.name: _row(form, measured[form.name]) for form in forms}
    for form in forms if asks else ():
        told(f"asking {len(chosen)} prompts of {form.name}")
        with wearing(form, manifesto, settings, folder) as pipeline:
            rows[form.name] |= _asked(drafts(pipeline, chosen, seed=seed))
    return rows


def _built(
    manifesto: Manifesto,
    parts: Parts,
    folder: Path,
    without: Collection[Built],
    scale: float,
    seed: int,
    told: Callable[[str], None],
) -> Iterator[Form]:
    from pipeline.identity.compare import Form
    from pipeline.identity.steer import build_steer, write_steer

    engine, weights = parts.drafting()
    system, steer, kept = preprompt(manifesto), folder / f"{Built.STEER}.gguf", folder / "state"
    if Built.PREPROMPT not in without:
        yield Form("preprompt", system)
    if Built.STATE not in without:
        told("reading the manifesto")
        reading = _seconds(lambda: write_state(kept, build_state(manifesto, engine, weights)))
        state = read_state(kept)
        with LlamaReader(engine.model, context=len(state.tokens), threads=1) as reader:
            restoring = _seconds(lambda: _restored(reader, kept))
        yield Form("state", system, state=state, build_seconds=reading, load_seconds=restoring)
    if Built.STEER not in without:
        told("building an adapter from its words")
        took = _seconds(lambda: write_steer(steer, build_steer(manifesto, engine, weights, seed=seed)))
        load = _seconds(partial(engine.model.adapter, steer))
        yield Form("steer", adapters=(Adapter(steer, scale),), build_seconds=took, load_seconds=load)


def _restored(reader: LlamaReader, kept: Path) -> None:
    """From the file into the cache, ready to be gone on from."""
    state = read_state(kept)
    if not reader.restore(state.tokens, state.cells):
        raise ModelFault("the state could not be put back, so that there is nothing to measure")


def _trained(engine: Engine, weights: Path, lora: Path, scale: float, seconds: float | None) -> Form:
    """Raises `BadInput` for one that says that it is for other weights."""
    from pipeline.identity.compare import Form

    load = _seconds(partial(engine.model.adapter, lora))
    if made_for_others(engine.model.adapter_metadata(lora, MADE_FOR), weights):
        raise BadInput(f"the adapter {lora} was made for other weights than {weights}")
    return Form("lora", adapters=(Adapter(lora, scale),), build_seconds=seconds, load_seconds=load)


def wearing(form: Form, manifesto: Manifesto, settings: Settings, folder: Path) -> Pipeline:
    """A state is put back from its file; all else is worn as it was measured, an adapter that is no identity too."""
    use = (str(folder / "state"),) if form.state else ()
    identity = settings.identity.model_copy(update={"use": use})
    parts = Parts(settings.model_copy(update={"identity": identity}), judged=asks_model(manifesto), strict=True)
    worn = None if form.state else Worn(form.system, form.adapters)
    return parts.pipeline(manifesto, generator=parts.generator(manifesto, worn))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(form: Form, effect: Effect) -> dict[str, Any]:
    return asdict(effect) | {"build_seconds": form.build_seconds, "load_seconds": form.load_seconds}


def _asked(drafts: Drafts) -> dict[str, Any]:
    return {
        "first_passed": drafts.passed, "drafts_per_release": drafts.per_release,
        "released": drafts.released, "asked": drafts.asked,
    }  # fmt: skip


def table(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row a form. What was measured of none has no column."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True, pad_edge=False)
    cells = [(name, *_cells(row)) for name, row in rows.items()]
    kept = [place for place in range(len(_COLUMNS)) if any(row[place] for row in cells)]
    for place in kept:
        shown.add_column(_COLUMNS[place], justify="right" if place else "left")
    for row in cells:
        shown.add_row(*(row[place] for place in kept))
    return shown


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    load = row["load_seconds"]
    return (
        f"{row['recovered']:.2f}",
        _percent(row.get("first_passed")),
        _number(row.get("drafts_per_release"), "{:.2f}"),
        str(row["context"]),
        _number(row["build_seconds"], "{:.1f}"),
        _number(None if load is None else 1000 * load, "{:.1f}"),
        f"{row['perplexity']:.3f}",
        _percent(row.get("right")),
    )


def _percent(value: float | None) -> str:
    return "" if value is None else share(value, 1)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
