"""A record as a row: the columns of CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

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
"""By name: what is in them, or nothing. `broken` are rules of the last attempt, with blanks between; `details` all
attempts and the verdict on the input, as JSON."""


def row(record: Record) -> dict[str, Any]:
    """A record's values by column."""
    attempts, usage = record["attempts"], record["usage"]
    last = attempts[-1]["verdict"] if attempts else record["input_verdict"]
    details = {"attempts": attempts, "input_verdict": record["input_verdict"]}
    return {
        **{
            name: _told(record[name])
            for name in ("line", "status", "stop_reason", "answer", "fault", "generator", "seed")
        },
        "id": _told(str(record["id"])),
        "manifesto": record["manifesto"]["name"],
        "manifesto_hash": record["manifesto"]["hash"],
        "attempts": len(attempts),
        "score": last["score"] if last else None,
        "breach": last["breach"] if last else None,
        "broken": " ".join(broken(last)),
        "prompt_tokens": usage["generator"]["prompt_tokens"],
        "completion_tokens": usage["generator"]["completion_tokens"],
        "critic_prompt_tokens": usage["critic"]["prompt_tokens"],
        "critic_completion_tokens": usage["critic"]["completion_tokens"],
        "seconds": usage["seconds"],
        "details": _told(json.dumps(details, ensure_ascii=False)),
    }


def broken(verdict: Mapping[str, Any] | None) -> list[str]:
    """The rules that a critic found broken, each once."""
    found = verdict["findings"] if verdict else ()
    return list(dict.fromkeys(finding["rule"] for finding in found if finding["outcome"] == "broken"))


def undecided(verdict: Mapping[str, Any] | None) -> dict[str, str]:
    """The rules that left the whole undecided, each with the first critic's reason."""
    why: dict[str, str] = {}
    if verdict and verdict["outcome"] == "undecided":
        for finding in verdict["findings"]:
            if finding["outcome"] == "undecided":
                why.setdefault(finding["rule"], finding["critique"])
    return why


def _told(value: Any) -> Any:
    """Lone surrogates, which neither format can hold, as escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
