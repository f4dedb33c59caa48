"""The card beside what was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import OutputFault
from pipeline.training.card import Card, write_card
from pipeline.training.rows import Row


def card(what: str, *, prompts_apart: bool = True, started: bool = False) -> Card:
    return Card(what, {"seed": 0}, [("rule", "AUROC"), ("calm", "0.900")], prompts_apart, started=started)


def test_a_card_that_is_there_is_kept_and_the_new_one_lies_beside_it(tmp_path: Path) -> None:
    """Whoever trained the last one was told to finish its card by hand."""
    rows = list[Row]()
    first = write_card(tmp_path / "judge.gguf", rows, card("A first one."))
    first.write_text("finished by hand")
    others = [write_card(tmp_path / "judge.gguf", rows, card(what)) for what in ("A second.", "A third.")]
    assert [path.name for path in (first, *others)] == ["judge.md", "judge-2.md", "judge-3.md"]
    assert first.read_text() == "finished by hand"
    assert "A second." in others[0].read_text()


@pytest.mark.parametrize(("apart", "said"), [(True, "None of their prompts was learnt from."), (False, "may flatter")])
def test_the_card_says_whether_prompts_were_kept_apart(tmp_path: Path, apart: bool, said: str) -> None:
    text = write_card(tmp_path / "judge.gguf", [], card("A judge.", prompts_apart=apart)).read_text()
    assert said in text[text.index("## Figures") :]


@pytest.mark.parametrize("apart", [True, False])
def test_the_card_does_not_say_of_what_was_started_from_what_it_cannot_know(tmp_path: Path, apart: bool) -> None:
    """What that was trained on may be what is held out now."""
    text = write_card(tmp_path / "judge.gguf", [], card("A judge.", prompts_apart=apart, started=True)).read_text()
    assert "None of their prompts" not in text
    assert "But what the adapter that it started from had learnt is not known here" in text
    assert ("Of these, replies to some prompts" in text) is not apart


def test_a_card_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputFault, match=r"judge\.md cannot be written: No such file"):
        write_card(tmp_path / "none" / "judge.gguf", [], card("A judge."))
