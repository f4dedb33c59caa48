"""`superego batch`: many prompts."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from pipeline.assembly import Parts, asks_model
from pipeline.batch import Answering, Batch, Input, InputFormat, LocalRunner, Output, OutputFormat, Summary, run_batch
from pipeline.caching import Store
from pipeline.cli import options
from pipeline.cli.batch_progress import shown
from pipeline.cli.reporting import DONE, FAULT, INTERRUPTED, reported, say
from pipeline.cli.stopping import asked_to_stop
from pipeline.errors import BadInput, Stopped
from pipeline.identities import conditions
from pipeline.named import NamedPipelines
from pipeline.pipeline import Pipeline
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
        str, typer.Option("--workers", help="Prompts at once; auto is as many as the model takes in one batch.")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")] = False,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    base_url: options.BaseUrl = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of one draft.", show_default=False)
    ] = None,
    config: options.ConfigFile = None,
) -> int:
    """Take many prompts through the loop. Stopped at any moment, the same command goes on where it stopped.

    The output is there once all is done. Exit code 1 if a record is faulted.

    Example: superego batch prompts.jsonl -o answers.jsonl -m house-style

    Example: superego batch survey.csv --column question -o answers.parquet --workers 8
    """
    settings = options.settings_from(
        config,
        manifesto=manifesto,
        generator=generator,
        judge=judge,
        adapter=adapter,
        base_url=base_url,
        max_tokens=max_tokens,
    )
    if deterministic:
        settings = settings.model_copy(update={"deterministic": True})
    at_once = _workers(workers, settings)
    with ExitStack() as stack:
        store = stack.enter_context(_store(settings)) if cache and not settings.deterministic else None
        loaded = options.manifesto_from(settings)
        parts = Parts(settings, judged=asks_model(loaded), store=store)
        own = stack.enter_context(parts.pipeline(loaded))
        job = Batch(
            Input(file, form=input_format, column=column),
            Output(output, output_format, shard),
            facts=_facts(own, settings, seed, column),
            full=full,
            strict=strict,
            restart=restart,
        )
        runner = LocalRunner(Answering(NamedPipelines(own, parts, settings), seed), workers=at_once)
        observe = stack.enter_context(shown(quiet=quiet))
        stop = stack.enter_context(asked_to_stop())
        try:
            summary = run_batch(job, runner, observe=observe, stop=stop)
        except Stopped as exc:
            say(str(exc))
            return INTERRUPTED
        except KeyboardInterrupt:
            say(f"stopped; what is done is in {job.output.journal}, run the same command to go on")
            raise
    _tell(summary, store, as_json=as_json, quiet=quiet)
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


def _store(settings: Settings) -> Store:
    return Store(settings.cache.file, most=settings.cache.megabytes * 1_000_000)


def _facts(own: Pipeline, settings: Settings, seed: int, column: str) -> dict[str, str | int]:
    """What must be the same for a run to be gone on with, by names that are said where it is not."""
    return {
        "manifesto": own.manifesto.hash,
        "model": own.generator.name if own.generator else "",
        "setting": sha256(conditions(settings).encode()).hexdigest(),
        "seed": seed,
        "column": column,
    }


def _tell(summary: Summary, store: Store | None, *, as_json: bool, quiet: bool) -> None:
    found = {kind: store.found[kind] for kind in ("drafts", "verdicts")} if store else {}
    if as_json:
        print(json.dumps({**asdict(summary), "output": str(summary.output), "cached": found}))
    elif not quiet:
        say(_told(summary, found))


def _told(summary: Summary, found: dict[str, int]) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in sorted(summary.statuses.items()))
    earlier = f" ({summary.resumed} were done before)" if summary.resumed else ""
    lines = [f"{summary.output}: {counts or 'nothing to do'}{earlier}"]
    if summary.attempts:
        lines.append(
            "drafts a record: " + ", ".join(f"{number} took {drafts}" for drafts, number in summary.attempts.items())
        )
    if summary.broken:
        lines.append(
            "broken most: " + ", ".join(f"{rule} {number}" for rule, number in list(summary.broken.items())[:5])
        )
    if summary.tokens:
        read, written = summary.tokens["generator_prompt_tokens"], summary.tokens["generator_completion_tokens"]
        judged = summary.tokens["critic_prompt_tokens"] + summary.tokens["critic_completion_tokens"]
        lines.append(f"tokens: {read} read and {written} written by the generator, {judged} by the critics")
    if any(found.values()):
        lines.append(f"of earlier runs: {found['drafts']} drafts, {found['verdicts']} findings")
    return "\n".join(lines)
