"""A chatbot's backend, as there are many: its address, key and model are all that moderation changes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from openai import OpenAI

BASE_URL = "http://127.0.0.1:8080/v1"
API_KEY = "none"
MODEL = "qwen3"

app = FastAPI()


@app.post("/chat")
def chat(messages: list[dict[str, Any]]) -> dict[str, str | None]:
    """The next turn of a conversation."""
    client = OpenAI(base_url=BASE_URL, api_key=API_KEY)
    answer = client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]  # they are dicts
    return {"role": "assistant", "content": answer.choices[0].message.content}
