"""The result files of OpenAI's Batch interface."""

from __future__ import annotations

from hashlib import sha256
from typing import IO, Any

from pipeline.batch.drafts import released_draft
from pipeline.batch.keeping.journal import encoded
from pipeline.batch.task import Record
from pipeline.loop import finish_reason


class OpenAiSink:
    """A result a line. `created` is when the batch was begun, in seconds since 1970: it does not change when it is
    resumed."""

    def __init__(self, stream: IO[bytes], *, created: int) -> None:
        self._stream = stream
        self._created = created

    def __call__(self, record: Record) -> None:
        self._stream.write(encoded(openai_result(record, self._created)) + b"\n")


def openai_result(record: Record, created: int) -> dict[str, Any]:
    """For a record with its drafts. A refusal is an answer with `finish_reason` `content_filter`. An error stands for a
    fault, and for what is withheld under a manifesto that wants one."""
    name = sha256(f"{record['id']}\0{record['seed']}".encode("utf-8", "backslashreplace")).hexdigest()[:24]
    done = record["answer"] is not None
    return {
        "id": f"batch_req_{name}",
        "custom_id": str(record["id"]),
        "response": _response(record, name, created) if done else None,
        "error": None if done else _error(record),
    }


def _response(record: Record, name: str, created: int) -> dict[str, Any]:
    usage = record["usage"]["generator"]
    body = {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": created,
        "model": f"superego/{record['manifesto']['name']}",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": record["answer"], "refusal": None},
                "logprobs": None,
                "finish_reason": _finish(record),
            }
        ],
        "usage": {**usage, "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]},
    }
    return {"status_code": 200, "request_id": name, "body": body}


def _finish(record: Record) -> str:
    released = released_draft(record)
    return finish_reason(record["status"], None if released is None else record["attempts"][released]["finish"])


def _error(record: Record) -> dict[str, str]:
    if record["status"] == "faulted":
        return {"code": "faulted", "message": record["fault"]}
    return {"code": "content_filter", "message": f"no answer passed: {record['stop_reason']}"}
