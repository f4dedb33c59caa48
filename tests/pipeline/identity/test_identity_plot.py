"""The forms as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from critics import ExtraMissing
from pipeline.errors import OutputFault
from pipeline.identity import plot
from pipeline.identity.plot import refuse_plot, write_plot
from tests.pipeline.cli.test_cli import run

ROWS: dict[str, dict[str, Any]] = {
    "none": {"recovered": 0.0, "first_passed": 0.5, "perplexity": 1.0},
    "a <b>": {"recovered": -0.25, "first_passed": None, "perplexity": 1.0123, "right": 0.75},
}


def test_a_picture_stands_by_itself(tmp_path: Path) -> None:
    """In colours of its own, and with all that was measured: what is below nothing is not cut."""
    write_plot(tmp_path / "a.svg", "mill", ROWS)
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    assert drawn.startswith("<?xml")
    assert "#1d5fd0" in drawn
    assert "#030303" not in drawn
    figure = plot._drawn(ROWS)
    assert figure.axes[0].get_xlim()[0] == -0.25
    assert {text.get_text() for text in figure.axes[0].texts} == {"0.00", "0.50", "-0.25"}
    write_plot(tmp_path / "a.png", "mill", ROWS)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_a_page_has_the_figures_beside_it(tmp_path: Path) -> None:
    """What came from elsewhere is escaped, and what was not measured is left empty."""
    write_plot(tmp_path / "a.html", "mill <i>", ROWS)
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "<svg" in page
    assert "Identities of mill &lt;i&gt;" in page
    assert '<th scope="row">a &lt;b&gt;</th><td>-0.25</td><td></td><td>1.012</td><td>0.75</td>' in page


@pytest.mark.parametrize("name", ["a.svg", "a.html"])
def test_what_cannot_be_written_leaves_the_old_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle of it spoils nothing."""
    (tmp_path / name).write_text("of yesterday")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputFault, match="No space left"):
        write_plot(tmp_path / name, "mill", ROWS)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "of yesterday")]


def test_the_figures_are_printed_before_they_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of measuring are not lost to a picture."""

    def full(*_: object) -> None:
        raise OutputFault("No space left on device")

    rows = {name: row | {"context": 0, "build_seconds": None, "load_seconds": None} for name, row in ROWS.items()}
    monkeypatch.setattr("pipeline.cli.identity.compare.compared", lambda *_, **__: rows)
    monkeypatch.setattr("pipeline.cli.identity.compare.write_plot", full)
    for more in ((), ("--json",)):
        result = run("identity", "compare", "-m", "house-style", "--plot", str(tmp_path / "a.svg"), *more)
        assert result.exit_code == 1
        assert "-0.25" in result.stdout
        assert "No space left" in result.stderr


def test_what_was_not_asked_has_no_bar() -> None:
    """One bar a form, and no word of drafts in the legend."""
    rows = {name: {"recovered": row["recovered"]} for name, row in ROWS.items()}
    figure = plot._drawn(rows)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["recovered"]


def test_another_file_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """And so is a folder, one that is not there too."""
    (tmp_path / "folder.svg").mkdir()
    for name in ("a.pdf", "none/a.svg", "folder.svg"):
        result = run("identity", "compare", "-m", "house-style", "--plot", str(tmp_path / name))
        assert result.exit_code == 2
        assert ".svg, .png, .html" in result.stderr
    refuse_plot(tmp_path / "a.svg")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with the option that asked for it."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ExtraMissing, match=r"--plot.*eval"):
        refuse_plot(tmp_path / "a.svg")
