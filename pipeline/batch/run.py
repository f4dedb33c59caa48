"""A batch from its input to its output, whatever works on its tasks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pipeline.batch.keeping import Journal, changed
from pipeline.batch.planning import left_to_do
from pipeline.batch.reading import Input
from pipeline.batch.task import Prompt, Record, Task
from pipeline.batch.telling import Began, Ended, Observer, Recorded, Summary, Tally, Writing
from pipeline.batch.working import LOOK, Runner, Supply
from pipeline.batch.writing import Output
from pipeline.errors import BadInput, Stopped

Reader = Callable[[Record], None]


@dataclass(frozen=True)
class Batch:
    """What is to be done.

    `facts` are whatever must be the same for a run to be gone on with, by names that are said where they are not.
    `full` keeps the drafts in the output. `strict` stops at the first record that is faulted, and keeps nothing of it.
    `restart` begins anew, whatever is there. `also` are called with each record, drafts and all, in order, when all are
    done: a report is made so.
    """

    input: Input
    output: Output
    facts: Mapping[str, Any] = field(default_factory=dict)
    full: bool = False
    strict: bool = False
    restart: bool = False
    also: Sequence[Reader] = ()

    @property
    def again(self) -> str:
        """The command that goes on with it, in words."""
        return "the same command without --restart" if self.restart else "the same command"


def run_batch(
    batch: Batch, runner: Runner, *, observe: Observer = lambda _: None, stop: threading.Event | None = None
) -> Summary:
    """Take every record through the runner, and write what came of each, in order, once all are done.

    Each is in the journal as soon as it is done, and the next call goes on from there. Once `stop` is set, what is
    under way is done and kept, and nothing more is begun.

    Raises `Stopped` then; `BadInput` for an input that cannot be read, a journal of another run, an output that is
    there or being written, and at a fault with `strict`; `OutputFault` where something cannot be written; and
    `ModelFault` where the generator is gone, whatever it is asked. What is done stays for the next call.
    """
    stop = stop or threading.Event()
    batch.input.refuse_missing()
    batch.output.refuse_unusable()
    if batch.input.is_at(batch.output.path):
        raise BadInput(f"{batch.output.path} is the input: choose another output")
    form = batch.output.told("openai" if batch.input.form() == "openai" else "jsonl")
    with Journal(batch.output.journal) as journal:
        _begin(batch, journal)
        resumed = len(journal.done)
        observe(Began(batch.output.path, batch.input.total(), resumed, runner.workers, journal.lost))
        if "records" not in journal.facts:
            _work(batch, runner, journal, observe, stop)
            journal.note({"records": len(journal.done)})
        elif not batch.input.again:
            _refuse_another(batch, journal, stop)
        observe(Writing(len(journal.done)))
        tally = Tally()
        records = _finished(batch, journal, (tally.add, *batch.also))
        if _published(batch.output, journal):  # and then killed, before the journal was gone
            deque(records, maxlen=0)
        else:
            batch.output.write(records, form=form, created=journal.facts["begun"], full=batch.full)
            journal.note({"written": batch.output.identity(batch.output.growing)})
            _refuse_taken(batch, journal)  # once more: it may have been a long night
            batch.output.publish()
        summary = tally.summary(batch.output.path, resumed)
        observe(Ended(summary))
        journal.remove()
    return summary


def _begin(batch: Batch, journal: Journal) -> None:
    """Go on with what is in the journal, if it is of the same run."""
    # One that came to nothing, for a typo in its column's name, is no run to go on with.
    if batch.restart or not (journal.done or "records" in journal.facts):
        replaces = batch.restart or journal.facts.get("replaces", False)
        batch.output.refuse_taken(replace=replaces)
        facts = _facts(batch)
        journal.clear()
        journal.note({**facts, "replaces": replaces, "begun": int(time.time())})
        return
    if not _published(batch.output, journal):
        _refuse_taken(batch, journal)
    if others := changed(journal.facts, _facts(batch)):
        raise BadInput(
            f"{journal.path} was begun with another {', '.join(others)}: finish it as it was begun, "
            f"or --restart to begin anew ({len(journal.done)} records are done)"
        )


def _refuse_taken(batch: Batch, journal: Journal) -> None:
    batch.output.refuse_taken(replace=journal.facts["replaces"], kept=len(journal.done))


def _facts(batch: Batch) -> dict[str, Any]:
    with batch.input.held() as fingerprint:
        return {**batch.facts, "input": fingerprint(), "format": batch.input.form()}


def _published(output: Output, journal: Journal) -> bool:
    """Whether the output that is there is what was made of this journal."""
    written = journal.facts.get("written")
    return written is not None and written == output.identity(output.path)


def _work(batch: Batch, runner: Runner, journal: Journal, observe: Observer, stop: threading.Event) -> None:
    with batch.input.held() as fingerprint:
        with left_to_do(batch.input, journal) as tasks:
            supply = Supply(tasks, journal.done, stop)
            with closing(runner(supply)) as results:
                for task, record in results:
                    _refuse_fault(batch, record)
                    _same_manifesto(task, record, journal)
                    journal.add(task.position, task.given.mark, record)
                    observe(Recorded(record, len(journal.done)))
        if stop.is_set():
            journal.sync()
            raise _stopped(batch, journal)
        if fingerprint() != journal.facts["input"]:
            raise BadInput(
                f"{batch.input.name} was written to while it was read, so that records may be torn or missing: put it "
                f"back and run {batch.again}, or --restart to begin anew ({len(journal.done)} records are done)"
            )


def _stopped(batch: Batch, journal: Journal) -> Stopped:
    done = len(journal.done)
    return Stopped(f"stopped with {done} record{'' if done == 1 else 's'} done; run {batch.again} to go on")


def _refuse_another(batch: Batch, journal: Journal, stop: threading.Event) -> None:
    """Raises `BadInput` where all is done, and what comes now from a pipe is not what was answered."""
    more = None
    with left_to_do(batch.input, journal) as tasks:
        for more in tasks:
            if more is not None or stop.wait(LOOK):
                break
    if stop.is_set():
        raise _stopped(batch, journal)
    if more is not None:
        raise BadInput(
            f"{len(journal.done)} records are done, which is all there were, and the input goes on at line "
            f"{more.given.line}: give the same input, or --restart to begin anew"
        )


def _refuse_fault(batch: Batch, record: Record) -> None:
    if batch.strict and record["status"] == "faulted":
        raise BadInput(f"{batch.input.name}: {record['fault']}")


def _same_manifesto(task: Task, record: Record, journal: Journal) -> None:
    """Raises `BadInput` where a manifesto that records name by themselves is not what it was for those before."""
    name = task.given.asked.manifesto if isinstance(task.given.asked, Prompt) else None
    if name is None or record["status"] == "faulted":
        return
    fact, own = f"manifesto:{name}", record["manifesto"]["hash"]
    if fact not in journal.facts:
        journal.note({fact: own})
    elif journal.facts[fact] != own:
        raise BadInput(f"the manifesto {name} has changed since the run was begun: put it back, or --restart")


def _finished(batch: Batch, journal: Journal, readers: Sequence[Reader]) -> Iterator[Record]:
    for entry in journal.entries():
        record = journal.record(entry)
        _refuse_fault(batch, record)  # of an earlier run, which need not have been strict
        for reader in readers:
            reader(record)
        yield record
