"""Files of prompts for `tune` and `identity build lora`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import BadInput
from pipeline.cli.flags.prompt_file import single_prompts

TURNS = [{"role": role, "content": "a"} for role in ("user", "assistant", "user")]
CONVERSATION = b'{"prompt": "a"}\n' + json.dumps({"messages": TURNS}).encode()


@pytest.mark.parametrize(
    "text",
    ["What is rye?\n\n  What is bread? \nWhat is rye?\n", '{"prompt": "What is rye?"}\n{"prompt": "What is bread?"}'],
)
def test_prompts_come_a_line_each_or_as_json(text: str, tmp_path: Path) -> None:
    """Each once."""
    (tmp_path / "p").write_text(text, "utf-8")
    assert single_prompts(tmp_path / "p") == ["What is rye?", "What is bread?"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "there is no prompt in"),
        (b"one\n\xff\n", "p:2: not UTF-8"),
        (b'{"prompt": "a"}\n{"text": "b"}', "p:2: neither `prompt` nor `messages`: it has `text`"),
        (b'{"prompt": " "}', "p:1: an identity takes single prompts"),
        (b'{"prompt": "a", "context": [{"text": "b"}]}', "p:1: an identity takes single prompts"),
        (CONVERSATION, "p:2: an identity takes single prompts"),
    ],
)
def test_bad_prompts_are_named(data: bytes, why: str, tmp_path: Path) -> None:
    """With file and line."""
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(BadInput, match=why):
        single_prompts(tmp_path / "p")
