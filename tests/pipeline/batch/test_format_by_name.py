from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import BadInput
from pipeline.batch import Input, Prompt


def told(path: Path) -> list[bool]:
    """Whether each record is a prompt, in a format that only the name and the first line tell."""
    return [isinstance(record.asked, Prompt) for record in Input(str(path)).records()]


@pytest.mark.parametrize("first", ['"prompt": "cut off"}', "# a comment", "null"])
def test_what_is_called_json_is_no_plain_text(tmp_path: Path, first: str) -> None:
    """Its damaged first line is a fault, and makes no prompts of the lines behind it."""
    path = tmp_path / "in.json"
    path.write_text(f'{first}\n{{"prompt": "a"}}\n{{"prom')
    assert told(path) == [False, True, False]


@pytest.mark.parametrize("data", ["[]", "\n [\n", "\ufeff[{}]", "\ufeff\n  ["])
def test_a_list_is_refused_however_it_begins(tmp_path: Path, data: str) -> None:
    """Also where it is asked for its format alone, as when a batch begins."""
    path = tmp_path / "in.json"
    path.write_text(data, "utf-8")
    for read in (Input(str(path)).form, lambda: told(path)):
        with pytest.raises(BadInput, match="is one list: give an object a line"):
            read()


def test_bytes_that_are_no_text_are_not_blank(tmp_path: Path) -> None:
    """They are their line's fault, also beside what looks blank."""
    path = tmp_path / "in.txt"
    path.write_bytes(b"\xc2\xa0\xff\n\xc2\n\xc2\xa0\n")
    assert told(path) == [False, False]
