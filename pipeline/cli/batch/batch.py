"""`superego batch`: many prompts."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.batch import Batch, Ended, Event, Input, InputFormat, Output, OutputFormat, Report, needed, run_batch
from pipeline.cli.batch.engines import Engine, RayFlags, Work, working
from pipeline.cli.batch.progress import shown
from pipeline.cli.batch.summary import tell, tell_faults
from pipeline.cli.flags import options
from pipeline.cli.flags.inputs import refuse_over, told_by
from pipeline.cli.terminal.report_file import writable, write
from pipeline.cli.terminal.reporting import DONE, FAULT, INTERRUPTED, reported, say
from pipeline.cli.terminal.stopping import asked_to_stop
from pipeline.errors import BadInput, ModelFault, Stopped
from pipeline.settings import Settings

AUTO = "auto"


@reported
def batch(
    file: Annotated[
        str,
        typer.Argument(
            help="JSON lines, OpenAI's request files, CSV, Parquet, or a prompt a line; - is standard input."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help=".jsonl, .csv or .parquet; packed with .gz or .zst.")],
    manifesto: options.ManifestoName = None,
    input_format: Annotated[
        InputFormat | None, typer.Option("--input-format", help="Told by name and first line by itself.")
    ] = None,
    column: Annotated[str, typer.Option("--column", help="Where CSV, Parquet or JSON has the prompt.")] = "prompt",
    output_format: Annotated[
        OutputFormat | None, typer.Option("--output-format", help="Told by the name, and openai for OpenAI's requests.")
    ] = None,
    shard: Annotated[
        int | None, typer.Option("--shard", min=1, help="Make the output a folder of files of so many records.")
    ] = None,
    workers: Annotated[
        str,
        typer.Option(
            "--workers", help="Prompts at once, on Ray of each worker; auto is as many as the model takes in one batch."
        ),
    ] = AUTO,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Each prompt's own seed is made from this and its id.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Keep the drafts in the records.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first record that is faulted.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, and in the end replace what is there.")
    ] = False,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Use drafts and verdicts of earlier runs.")] = True,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="One at a time, the same to the last bit whenever it is run; slow.")
    ] = False,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Threads of this process, or workers on the nodes of a Ray cluster.")
    ] = "local",
    ray_address: options.RayAddress = None,
    ray_workers: options.RayWorkers = None,
    ray_cpus: options.RayCpus = 2,
    ray_gpus: options.RayGpus = 0,
    ray_resource: options.RayResources = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")] = False,
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="Progress and summary as JSON lines on standard error.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a page of HTML about what came of it.", show_default=False)
    ] = None,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    identity: options.Identities = None,
    identity_scale: options.IdentityScale = None,
    base_url: options.BaseUrl = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of one draft.", show_default=False)
    ] = None,
    config: options.ConfigFile = None,
) -> int:
    """Take many prompts through the loop. Stopped at any moment, the same command goes on where it stopped.

    The output is there once all is done. Exit code 1 if a record is faulted.

    Example: superego batch prompts.jsonl -o answers.jsonl -m house-style

    Example: superego batch survey.csv --column question -o answers.parquet --workers 8 --report report.html

    Example: superego batch prompts.jsonl -o answers.jsonl --engine ray --ray-address auto --ray-cpus 8
    """
    settings = options.settings_from(
        config,
        manifesto=manifesto,
        generator=generator,
        judge=judge,
        adapter=adapter,
        identity=identity,
        identity_scale=identity_scale,
        base_url=base_url,
        max_tokens=max_tokens,
    )
    if deterministic:
        settings = settings.model_copy(update={"deterministic": True})
    at_once = _workers(workers, settings)
    given, into = Input(file, form=input_format, column=column), Output(output, output_format, shard)
    given.refuse_missing()
    into.refuse_unusable()
    into.told("jsonl")  # whatever cannot be written is told before a model is loaded
    read = (Path(file), *told_by(settings, config))
    for path in (output, into.journal, into.growing):
        refuse_over(path, read)
    gathered = _gathering(report, (Path(file), output), read) if report else None
    with ExitStack() as stack:
        view = stack.enter_context(shown(quiet=quiet, as_json=json_progress))
        cached = cache and not settings.deterministic
        notes: list[str] = []  # told once it is clear that there are such models
        work = Work(settings, options.manifesto_from(settings, notes.append), seed, at_once, cached=cached)
        flags = RayFlags(ray_address, ray_workers, ray_cpus, ray_gpus, tuple(ray_resource or ()))
        crew = stack.enter_context(working(work, engine, flags))
        for each in notes:
            view.say(each)
        job = Batch(
            given,
            into,
            facts={**crew.facts, "seed": seed, "column": column},
            full=full,
            strict=strict,
            restart=restart,
            also=(gathered,) if gathered else (),
        )
        stop = stack.enter_context(asked_to_stop(view.say))

        def observe(event: Event) -> None:
            if report and gathered and isinstance(event, Ended):
                write(report, gathered.page(_asked(job)))
            view(event)

        try:
            summary = run_batch(job, crew.runner, observe=observe, stop=stop)
        except Stopped as exc:
            view.say(str(exc))
            return INTERRUPTED
        except (KeyboardInterrupt, ModelFault):
            view.say(f"stopped; what is done is in {job.output.journal}, run {job.again} to go on")
            raise
    tell(summary, crew.found(), as_json=as_json, quiet=quiet or json_progress)
    if not json_progress:
        tell_faults(summary)
    if report and not (quiet or json_progress):
        say(f"the report is in {report}")
    return FAULT if summary.statuses.get("faulted") else DONE


def _workers(wanted: str, settings: Settings) -> int:
    if settings.deterministic:
        if wanted not in (AUTO, "1"):
            raise BadInput(f"a deterministic run has one worker, and not {wanted}")
        return 1
    if wanted == AUTO:
        return settings.parallel
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 256:
        raise BadInput(f"--workers is a number from 1 to 256, or {AUTO}, and not {wanted!r}")
    return int(wanted)


def _gathering(report: Path, beside: tuple[Path, ...], read: tuple[Path | None, ...]) -> Report:
    """Raises `BadInput` for a report that would replace something else, and `ExtraMissing` without matplotlib."""
    needed()
    writable(report, beside=beside)
    refuse_over(report, read)
    return Report()


def _asked(job: Batch) -> dict[str, str]:
    """What was asked, as the report heads it."""
    return {
        "input": job.input.name,
        "output": str(job.output.path),
        "model": str(job.facts["model"]),
        "seed": str(job.facts["seed"]),
        "finished": datetime.now().astimezone().isoformat(" ", "minutes"),
    }
