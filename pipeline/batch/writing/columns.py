"""A record as a row: the columns of CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from critics import IN_PART
from pipeline.batch.drafts import released_draft, without_drafts
from pipeline.batch.task import Record

COLUMNS: Mapping[str, type] = {
    "id": str,
    "line": int,
    "status": str,
    "stop_reason": str,
    "answer": str,
    "fault": str,
    "manifesto": str,
    "manifesto_hash": str,
    "generator": str,
    "seed": int,
    "attempts": int,
    "score": float,
    "breach": float,
    "broken": str,
    "prompt_tokens": int,
    "completion_tokens": int,
    "critic_prompt_tokens": int,
    "critic_completion_tokens": int,
    "seconds": float,
    "details": str,
}
"""By name: what is in them, or nothing. `score`, `breach` and `broken`, which are rules with blanks between, are of the
attempt that became the answer; where none did, of the last one, and where there is none, of the input. `details` are
all attempts and the verdict on the input, as JSON."""


def row(record: Record, *, full: bool) -> dict[str, Any]:
    """The values by column of a record that has its drafts; `full` keeps them in its details."""
    verdict, usage = _decisive(record), record["usage"]
    told = record if full else without_drafts(record)
    details = {"attempts": told["attempts"], "input_verdict": record["input_verdict"]}
    return {
        **{
            name: _told(record[name])
            for name in ("line", "status", "stop_reason", "answer", "fault", "generator", "seed")
        },
        "id": _told(str(record["id"])),
        "manifesto": record["manifesto"]["name"],
        "manifesto_hash": record["manifesto"]["hash"],
        "attempts": len(record["attempts"]),
        "score": verdict["score"] if verdict else None,
        "breach": verdict["breach"] if verdict else None,
        "broken": " ".join(broken(verdict)),
        "prompt_tokens": usage["generator"]["prompt_tokens"],
        "completion_tokens": usage["generator"]["completion_tokens"],
        "critic_prompt_tokens": usage["critic"]["prompt_tokens"],
        "critic_completion_tokens": usage["critic"]["completion_tokens"],
        "seconds": usage["seconds"],
        "details": _told(json.dumps(details, ensure_ascii=False)),
    }


def _decisive(record: Record) -> Mapping[str, Any] | None:
    verdict: Mapping[str, Any] | None = record["input_verdict"]
    if attempts := record["attempts"]:
        released = released_draft(record)
        verdict = attempts[-1 if released is None else released]["verdict"]
    return verdict


def broken(verdict: Mapping[str, Any] | None) -> list[str]:
    """The rules that are: what one of several critics found need not be what all together come to."""
    return [rule for rule, outcome in verdict["rules"].items() if outcome == "broken"] if verdict else []


def undecided(verdict: Mapping[str, Any] | None) -> dict[str, str]:
    """The rules that left the whole undecided, each with the first critic's reason."""
    if not verdict or verdict["outcome"] != "undecided":
        return {}
    open_ = [rule for rule, outcome in verdict["rules"].items() if outcome == "undecided"]
    said = {f["rule"]: f["critique"] for f in reversed(verdict["findings"]) if f["outcome"] == "undecided"}
    return {rule: said.get(rule, IN_PART) for rule in open_}


def _told(value: Any) -> Any:
    """Lone surrogates, which neither format can hold, as escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
