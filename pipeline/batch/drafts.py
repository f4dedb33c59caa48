"""The drafts of a record: which of them became the answer, and the record without what they say."""

from __future__ import annotations

from pipeline.batch.task import Record


def released_draft(record: Record) -> int | None:
    """Which draft was, of a record that has its drafts: the best of those that failed need not be the last one."""
    if record["status"] != "released":
        return None
    same = [index for index, attempt in enumerate(record["attempts"]) if attempt["text"] == record["answer"]]
    return same[-1] if same else None


def without_drafts(record: Record) -> Record:
    """The same, with the verdicts on its drafts."""
    attempts = [
        {key: attempt[key] for key in attempt if key not in ("draft", "text")} for attempt in record["attempts"]
    ]
    return {**record, "attempts": attempts}
