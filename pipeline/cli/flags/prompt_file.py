"""A file of prompts for a command that goes through all of them, in any form that a batch reads."""

from __future__ import annotations

from pathlib import Path

from pipeline.batch import Input, Prompt
from pipeline.errors import BadInput


def prompts_in(file: Path) -> list[tuple[int, Prompt]]:
    """Each with its line. Raises `BadInput` for a file that has none, or a line that is none."""
    found = []
    for given in Input(str(file)).records():
        if not isinstance(given.asked, Prompt):
            raise BadInput(f"{file}:{given.line}: {given.asked}")
        found.append((given.line, given.asked))
    if not found:
        raise BadInput(f"there is no prompt in {file}: give one a line, or JSON lines with `prompt`")
    return found


def single_prompts(file: Path) -> list[str]:
    """Of a file that has nothing but what users say first, each once. Raises as `prompts_in`."""
    found = []
    for line, asked in prompts_in(file):
        turn, *more = asked.conversation
        if more or asked.sources or not turn.content.strip():
            raise BadInput(f"{file}:{line}: an identity takes single prompts: give `prompt`, not blank")
        found.append(turn.content.strip())
    return list(dict.fromkeys(found))
