"""The card beside what was trained."""

from __future__ import annotations

from pathlib import Path

from pipeline.training.card import Card, write_card
from pipeline.training.rows import Row


def card(what: str) -> Card:
    return Card(what, {"seed": 0}, [("rule", "AUROC"), ("calm", "0.900")])


def test_a_card_that_is_there_is_kept_and_the_new_one_lies_beside_it(tmp_path: Path) -> None:
    """Whoever trained the last one was told to finish its card by hand."""
    rows = list[Row]()
    first = write_card(tmp_path / "judge.gguf", rows, card("A first one."))
    first.write_text("finished by hand")
    others = [write_card(tmp_path / "judge.gguf", rows, card(what)) for what in ("A second.", "A third.")]
    assert [path.name for path in (first, *others)] == ["judge.md", "judge-2.md", "judge-3.md"]
    assert first.read_text() == "finished by hand"
    assert "A second." in others[0].read_text()
