"""Manifestos that change while the server runs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

import critics
from critics import ManifestoError, ScriptedCritic
from pipeline import Pipeline, PipelineError, ScriptedGenerator
from pipeline.cli.flags.manifesto_files import ManifestoFiles
from pipeline.server import Catalogue, Options, Reloader, create_app
from tests.pipeline.server.serving import Gated, TestClient, chat, opinion

TEXT = """name: {name}
version: "{version}"
rules:
  - id: polite
    statement: {statement}
"""


def text(name: str = "polite", version: str = "1", statement: str = "The answer is polite.") -> str:
    return TEXT.format(name=name, version=version, statement=statement)


def make(source: str) -> Pipeline:
    return Pipeline(critics.load(source), ScriptedCritic(opinion), ScriptedGenerator(["Good day."]))


class Kitchen:
    """A folder of manifestos, what is served of it, and looks at it."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.catalogue = Catalogue({})
        files = ManifestoFiles(names or [str(folder)])
        self.reloader = Reloader(self.catalogue, files.stamps, make)

    def load(self) -> None:
        self.reloader.load()

    def look(self) -> None:
        """Twice: what has changed must have come to rest."""
        self.reloader.look()
        self.reloader.look()

    def versions(self) -> dict[str, str]:
        return {name: served.pipeline.manifesto.version for name, served in self.catalogue.served.items()}


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    (tmp_path / "a.yaml").write_text(text())
    kitchen = Kitchen(tmp_path)
    kitchen.load()
    return kitchen


def test_an_edit_is_served_once_it_has_come_to_rest(kitchen: Kitchen) -> None:
    """Not at the first look: it may be half of what is being written."""
    (kitchen.folder / "a.yaml").write_text(text(version="two"))
    kitchen.reloader.look()
    assert kitchen.versions() == {"polite": "1"}
    kitchen.reloader.look()
    assert kitchen.versions() == {"polite": "two"}


def test_a_broken_edit_keeps_the_old_one_serving(kitchen: Kitchen, caplog: pytest.LogCaptureFixture) -> None:
    """And says so in the log, with the place, and in /readyz; mended, it is as if nothing had been."""
    file = kitchen.folder / "a.yaml"
    client = TestClient(create_app(kitchen.catalogue, Options()))
    file.write_text("name: polite\nrules: [\n")
    kitchen.look()
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["stale"], ready["broken"]) == ("ready", True, [str(file)])
    assert "a.yaml:" in caplog.text
    assert client.post("/v1/chat/completions", json=chat()).status_code == 200
    assert kitchen.versions() == {"polite": "1"}
    file.write_text(text(version="three"))
    kitchen.look()
    assert client.get("/readyz").json()["stale"] is False
    assert kitchen.versions() == {"polite": "three"}


def test_a_copy_does_not_take_over(kitchen: Kitchen) -> None:
    """Though its file comes first by name; edits of the original are served, and the copy's name is its to mend."""
    (kitchen.folder / "a-backup.yaml").write_text(text(version="backup"))
    kitchen.look()
    assert kitchen.versions() == {"polite": "1"}
    assert list(kitchen.catalogue.faults) == [str(kitchen.folder / "a-backup.yaml")]
    (kitchen.folder / "a.yaml").write_text(text(version="two"))
    kitchen.look()
    assert kitchen.versions() == {"polite": "two"}
    (kitchen.folder / "a-backup.yaml").write_text(text("backup", version="backup"))
    kitchen.look()
    assert (kitchen.versions(), kitchen.catalogue.faults) == ({"polite": "two", "backup": "backup"}, {})


def test_files_come_and_go(kitchen: Kitchen) -> None:
    """In a folder; and a rename of the manifesto is one of the model."""
    (kitchen.folder / "b.yaml").write_text(text("other"))
    kitchen.look()
    assert sorted(kitchen.versions()) == ["other", "polite"]
    (kitchen.folder / "a.yaml").write_text(text("kind"))
    kitchen.look()
    assert sorted(kitchen.versions()) == ["kind", "other"]
    (kitchen.folder / "b.yaml").unlink()
    kitchen.look()
    assert sorted(kitchen.versions()) == ["kind"]


def test_what_is_hidden_in_a_folder_is_none(kitchen: Kitchen) -> None:
    """Beside a file that is being edited, Emacs has a link that leads nowhere."""
    (kitchen.folder / ".#a.yaml").symlink_to("ana@desk.4711")
    kitchen.look()
    assert (list(kitchen.versions()), kitchen.catalogue.faults) == (["polite"], {})


def test_a_change_of_what_a_manifesto_builds_on_is_one_of_it(tmp_path: Path) -> None:
    """Though its own file is as it was."""
    (tmp_path / "base.yaml").write_text(text("base"))
    child = tmp_path / "child.yaml"
    child.write_text("name: child\nextends: ./base.yaml\n")
    kitchen = Kitchen(tmp_path, str(child))
    kitchen.load()
    (tmp_path / "base.yaml").write_text(text("base", version="2"))
    kitchen.look()
    assert kitchen.versions() == {"child": "2"}


def test_a_file_that_is_named_and_vanishes_goes_on_being_served(tmp_path: Path) -> None:
    """It counts as broken: editors that replace files take them away for a moment."""
    file = tmp_path / "a.yaml"
    file.write_text(text())
    kitchen = Kitchen(tmp_path, str(file))
    kitchen.load()
    file.unlink()
    kitchen.look()
    assert kitchen.versions() == {"polite": "1"}
    assert list(kitchen.catalogue.faults) == [str(file)]


def test_two_manifestos_of_one_name_are_a_fault(kitchen: Kitchen) -> None:
    """The later one is not served until the other has another name; at the start it is an error."""
    (kitchen.folder / "b.yaml").write_text(text(version="2"))
    kitchen.look()
    assert kitchen.versions() == {"polite": "1"}
    assert list(kitchen.catalogue.faults) == [str(kitchen.folder / "b.yaml")]
    with pytest.raises(PipelineError, match="polite"):
        Kitchen(kitchen.folder).load()
    (kitchen.folder / "a.yaml").write_text(text("kind"))
    kitchen.look()
    assert (kitchen.versions(), dict(kitchen.catalogue.faults)) == ({"kind": "1", "polite": "2"}, {})


def test_the_one_that_has_the_name_already_is_told(kitchen: Kitchen) -> None:
    """So that one knows which two they are."""
    copy = kitchen.folder / "b.yaml"
    copy.write_text(text(version="2"))
    kitchen.look()
    assert kitchen.catalogue.faults[str(copy)].startswith(f"{copy}: {kitchen.folder / 'a.yaml'} is called 'polite'")


def test_a_file_that_is_named_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself and with its folder, or by another way to it."""
    (tmp_path / "a.yaml").write_text(text())
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    monkeypatch.chdir(tmp_path)
    kitchen = Kitchen(tmp_path, "a.yaml", "./a.yaml", str(tmp_path))
    kitchen.load()
    assert (kitchen.versions(), kitchen.catalogue.faults) == ({"polite": "1"}, {})


def test_a_folder_that_vanishes_takes_nothing_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its disk may only be away for a moment. The log says so once; what was edited meanwhile is served afterwards."""
    folder, away = tmp_path / "manifestos", tmp_path / "away"
    folder.mkdir()
    (folder / "a.yaml").write_text(text())
    kitchen = Kitchen(tmp_path, str(folder))
    kitchen.load()
    folder.rename(away)
    for _ in range(3):
        kitchen.look()
    assert (kitchen.versions(), kitchen.catalogue.faults) == ({"polite": "1"}, {})
    assert caplog.text.count("cannot look for manifestos") == 1
    (away / "a.yaml").write_text(text(version="two"))
    away.rename(folder)
    kitchen.look()
    assert kitchen.versions() == {"polite": "two"}


def test_a_folder_that_nobody_may_look_into_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it may be for a service with a user of its own."""

    def denied(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(PipelineError, match=f"cannot look for manifestos: .*Permission denied: '{tmp_path}'"):
        Kitchen(tmp_path).load()


def test_the_log_says_which_model_an_edit_is_served_as(kitchen: Kitchen, caplog: pytest.LogCaptureFixture) -> None:
    """Also where that is another than before, and which one has gone."""
    caplog.set_level(logging.INFO, "superego.server")
    (kitchen.folder / "a.yaml").write_text(text("kind"))
    kitchen.look()
    (kitchen.folder / "a.yaml").unlink()
    kitchen.look()
    lines = [json.loads(line) for line in caplog.messages]
    assert [(line["model"], line.get("gone", False)) for line in lines] == [("kind", False), ("kind", True)]


def test_a_broken_manifesto_at_the_start_is_an_error(tmp_path: Path) -> None:
    """There is no old one to serve."""
    (tmp_path / "a.yaml").write_text("name: polite\n")
    with pytest.raises(ManifestoError):
        Kitchen(tmp_path).load()


def test_a_request_in_flight_finishes_under_the_manifesto_it_started_with(kitchen: Kitchen) -> None:
    """Found once, it is kept."""
    generator = Gated()
    served = kitchen.catalogue.served["polite"].pipeline
    answer = Pipeline(served.manifesto, served.critic, generator).stream("Hello?")
    (kitchen.folder / "a.yaml").write_text(text(version="2"))
    kitchen.look()
    generator.go.set()
    assert answer.ended().manifesto.version == "1"
    assert kitchen.versions() == {"polite": "2"}
