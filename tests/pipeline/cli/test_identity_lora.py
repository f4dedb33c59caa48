"""`superego identity build lora` as it is typed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from critics import load
from pipeline.assembly import Parts
from pipeline.cli.identity.lessons import Given, Wanted, _inventions, key_of
from pipeline.cli.identity.work import work_folder
from pipeline.errors import BadInput
from pipeline.identity.gate import Gate
from pipeline.settings import load_settings
from pipeline.training.identity_adapter import IdentityCheck
from tests.pipeline.cli.test_cli import run

pytestmark = pytest.mark.usefixtures("read_once", "parsed_once")

MANIFESTO = """
name: mill
version: "1"
beliefs: Answers are of flour.
rules:
  - {id: a, statement: It is short., critics: [patterns], action: revise, patterns: {words: {at_most: 3}}}
budget: {attempts: 1}
"""
SETTINGS = """
threads: 1
generator: {context: 512, max_tokens: 8}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mill.yaml").write_text(MANIFESTO)
    (tmp_path / "superego.yaml").write_text(SETTINGS)
    (tmp_path / "prompts.txt").write_text("What is bread?\nWhat is rye?\nWhat is a mill?\nHow do I bake a roll?\n")
    return tmp_path


def build(folder: Path, *more: str) -> tuple[int, str, str]:
    flags = ("-m", str(folder / "mill.yaml"), "--config", str(folder / "superego.yaml"), "-o", str(folder / "a.gguf"))
    result = run("identity", "build", "lora", *flags, "--prompts-from", str(folder / "prompts.txt"), *more)
    return result.exit_code, result.stdout, result.stderr


def test_from_prompts_to_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before it is trained, it goes on; what it had meanwhile is gone in the end, and the curve is told."""

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    few = ("--prompts", "4", "--epochs", "1", "--rank", "2", "--json")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.identity_adapter.train_identity", stopped)
        assert build(folder, *few)[0] == 130
    work = folder / "a.gguf.work"
    answered = {file: file.stat().st_mtime_ns for file in work.glob("*/*.npz")}
    assert len(answered) == 2
    with monkeypatch.context() as patch:  # nothing is asked again
        patch.setattr("pipeline.identity.lessons.gather.asked", stopped)
        code, out, err = build(folder, *few, "--peft", str(folder / "peft"))
    told = json.loads(out)
    assert code == (1 if told["faults"] else 0)
    assert told["prompts"] == 4
    assert told["steps"] == 1
    assert "step 1 of 1: loss" in err
    assert Path(told["file"]) == folder / ("a.rejected.gguf" if code else "a.gguf")
    assert Path(told["file"]).is_file()
    assert Path(told["peft"]) == folder / ("peft.rejected" if code else "peft")
    assert {file.name for file in Path(told["peft"]).iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    assert not work.exists()


def test_a_run_of_other_words_begins_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so it does when it is told to."""

    def stopped(*_: object, **__: object) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.identity.lessons.invented", stopped)
    for more, anew in ((), True), ((), False), (("--restart",), True), (("--seed", "2"), True):
        left = folder / "a.gguf.work" / "left"
        assert build(folder, *more)[0] == 130
        assert left.exists() is not anew
        left.write_text("")


def test_lessons_of_two_judges_are_not_mixed(folder: Path) -> None:
    """Nor of two probes, or of one that was trained anew; how many cores it takes is no matter, nor what is worn."""
    probe, manifesto = folder / "probe", load(str(folder / "mill.yaml"))
    probe.write_bytes(b"one")

    def key(**flags: object) -> str:
        settings = load_settings(folder / "superego.yaml", flags)
        return key_of(manifesto, settings, Given(["a"], ["b"]), Wanted(folder / "a.gguf"))

    plain, judged, probed = key(), key(judge={"adapter": "none"}), key(probe={"file": str(probe)})
    probe.write_bytes(b"two")
    assert len({plain, judged, probed, key(probe={"file": str(probe)}), key(generator={"top_p": 0.5})}) == 5
    assert plain == key(threads=2) == key(identity={"use": ["none.gguf"]}) == key(manifesto="mill.yaml")


def test_what_is_in_the_way_is_left_alone(folder: Path) -> None:
    """A folder of the user's own is not written over."""
    (folder / "a.gguf.work").mkdir()
    (folder / "a.gguf.work" / "diary").write_text("mine")
    code, _, err = build(folder, "--restart")
    assert code == 2
    assert "is in the way" in err
    assert (folder / "a.gguf.work" / "diary").read_text() == "mine"


def test_the_model_is_not_shown_what_is_held_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it invents from it would be learnt from, and measured with it."""
    shown: list[tuple[list[str], list[str]]] = []

    def noted(_: object, given: list[str], __: int, *, held: list[str], **___: object) -> list[str]:
        shown.append((given, held))
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.identity.lessons.invented", noted)
    assert build(folder)[0] == 130
    ((given, held),) = shown
    assert (len(given), len(held)) == (3, 1)
    assert sorted([*given, *held]) == sorted((folder / "prompts.txt").read_text().splitlines())


def test_one_that_is_not_to_be_used_leaves_the_old_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so does one that is stopped while it is measured."""
    (folder / "a.gguf").write_bytes(b"of yesterday")

    def trained(_: object, __: object, ___: object, out: Path, *____: object, **_____: object) -> list[IdentityCheck]:
        out.write_bytes(b"new")
        return [IdentityCheck(1, 1, 0.1, 0.1, 0.1)]

    def stopped(*_: object, **__: object) -> Gate:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.training.identity_adapter.train_identity", trained)
    for gated, code, file, kept in (
        (stopped, 130, "a.gguf", b"of yesterday"),
        (lambda *_, **__: Gate(0.2, 0.3, 1.0), 1, "a.rejected.gguf", b"of yesterday"),
        (lambda *_, **__: Gate(0.2, 0.1, 1.0), 0, "a.gguf", b"new"),
    ):
        monkeypatch.setattr("pipeline.identity.gate.gated", gated)
        found, out, err = build(folder, "--prompts", "4", "--json")
        assert found == code
        assert (folder / "a.gguf").read_bytes() == kept
        if code != 130:
            assert json.loads(out)["file"] == str(folder / file)
            assert (folder / file).read_bytes() == b"new"
        assert ("takes the model away" in err) == (code == 1)


@pytest.mark.parametrize(("worn", "place"), [(0.3, "peft.rejected"), (0.1, "peft")], ids=["rejected", "passed"])
def test_one_for_peft_that_is_not_to_be_used_leaves_the_old_one(
    worn: float, place: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes where its name says so, as the adapter itself does, and the answer says where."""
    (folder / "peft").mkdir()
    for name in ("adapter_model.safetensors", "README.md"):
        (folder / "peft" / name).write_text("of yesterday")

    def trained(*given: object, peft: Path, **_: object) -> list[IdentityCheck]:
        Path(str(given[3])).write_bytes(b"new")
        peft.mkdir()
        for name in ("adapter_model.safetensors", ".adapter_model.safetensors.killed.part"):
            (peft / name).write_text("new")
        return [IdentityCheck(1, 1, 0.1, 0.1, 0.1)]

    monkeypatch.setattr("pipeline.training.identity_adapter.train_identity", trained)
    monkeypatch.setattr("pipeline.identity.gate.gated", lambda *_, **__: Gate(0.2, worn, 1.0))
    _, out, _ = build(folder, "--prompts", "4", "--json", "--peft", str(folder / "peft"))
    assert json.loads(out)["peft"] == str(folder / place)
    there = {f"{file.parent.name}/{file.name}": file.read_text() for file in folder.glob("peft*/*")}
    kept = {f"peft/{name}": "of yesterday" for name in ("adapter_model.safetensors", "README.md")}
    assert there == kept | {f"{place}/adapter_model.safetensors": "new"}


def test_the_steps_are_those_of_the_adapter_that_was_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best check's, and the last one's of several that are best: behind it nothing was kept."""

    def trained(*given: object, **_: object) -> list[IdentityCheck]:
        Path(str(given[3])).write_bytes(b"new")
        return [IdentityCheck(10 * place, 30, 0.1, loss, 0.1) for place, loss in enumerate((0.5, 0.2, 0.2, 0.3))]

    monkeypatch.setattr("pipeline.training.identity_adapter.train_identity", trained)
    monkeypatch.setattr("pipeline.identity.gate.gated", lambda *_, **__: Gate(0.2, 0.1, 1.0))
    _, out, _ = build(folder, "--prompts", "4", "--json")
    assert json.loads(out)["steps"] == 20


@pytest.mark.parametrize("content", [b"", b'["What', b"\xff", b"{}", b"[1]"])
def test_inventions_that_are_damaged_have_a_cure(content: bytes, folder: Path) -> None:
    """As what else is kept has."""
    (folder / "invented.json").write_bytes(content)
    parts, wanted = Parts(load_settings(), judged=False), Wanted(folder / "a.gguf")
    with pytest.raises(BadInput, match=r"invented.json is damaged: begin anew with --restart"):
        _inventions(parts, Given(["a"], ["b"]), wanted, folder, lambda *_: None)


@contextmanager
def stopped_run(out: Path, key: str) -> Iterator[Path]:
    """A run that is stopped at the end of the context."""
    with suppress(KeyboardInterrupt), work_folder(out, key) as folder:
        yield folder
        raise KeyboardInterrupt


def test_one_run_at_a_time_works_in_the_folder(tmp_path: Path) -> None:
    """Another one, of the same words or not, leaves it alone; when it is over, the next may."""
    out = tmp_path / "a.gguf"
    with stopped_run(out, "one") as folder:
        (folder / "lessons").write_text("an hour's")
        for key, restart in (("one", False), ("one", True), ("two", False)):
            other = work_folder(out, key, restart=restart)
            with pytest.raises(BadInput, match=r"another run is building .*a\.gguf"):
                other.__enter__()
        assert (folder / "lessons").read_text() == "an hour's"
    with work_folder(out, "one") as folder:
        assert (folder / "lessons").read_text() == "an hour's"
    assert not folder.exists()


@pytest.mark.parametrize("files", [{}, {"key": ""}, {"key": "", "lessons": "of who knows whom"}])
def test_a_run_that_was_killed_at_its_beginning_begins_anew(files: dict[str, str], tmp_path: Path) -> None:
    """Before it had noted whose folder it is, or while it emptied another one's."""
    folder = tmp_path / "a.gguf.work"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with stopped_run(tmp_path / "a.gguf", "one"):
        assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("key", "one")]


def test_a_run_that_is_stopped_while_it_empties_a_folder_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left there is neither the old run's nor the new one's."""
    out = tmp_path / "a.gguf"
    with stopped_run(out, "one") as folder:
        (folder / "held").mkdir()

    def stopped(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", stopped)
    other = work_folder(out, "two")
    with pytest.raises(KeyboardInterrupt):
        other.__enter__()
    assert (folder / "key").read_text() == ""


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("build", "lora", "-o", "a.bin"), ".gguf file in a folder that exists"),
        (("build", "state", "-o", "pipe"), "pipe should be a file"),
        (("build", "lora", "-o", "away.gguf"), "file in a folder that exists"),
        (("build", "lora", "-o", "a.gguf", "--prompts-from", "none.txt"), "none.txt cannot be read"),
        (("build", "lora", "-o", "a.gguf", "--layers", "1-2"), "--layers and --anywhere are for a steer"),
        (("build", "state", "-o", "a.state", "--anywhere"), "--layers and --anywhere are for a steer"),
        (("build", "lora", "-o", "a.gguf", "--add", "x"), "--add is one more rule"),
        (("build", "steer", "-o", "a.gguf", "--add", "x", "--rank", "2"), "leave out --rank and --anywhere"),
        (("build", "steer", "-o", "a.gguf", "--add", "x", "--anywhere"), "leave out --rank and --anywhere"),
        (("build", "steer", "-o", "a.gguf", "--peft", "p"), "--prompts-from and --peft are for a lora"),
        (("build", "steer", "-o", "a.gguf", "--epochs", "3"), "--epochs, --restart, --prompts-from and --peft are"),
        (("build", "steer", "-o", "a.gguf", "--restart"), "steer takes none of them"),
        (("build", "state", "-o", "a.state", "--epochs", "1"), "state takes none of them"),
        (("build", "state", "-o", "a.state", "--restart"), "state takes none of them"),
        (("build", "state", "-o", "a.state", "--rank", "2"), "--rank, --prompts and --seed are for a steer or a lora"),
        (("build", "state", "-o", "a.state", "--prompts", "4"), "state takes none of them"),
        (("build", "state", "-o", "a.state", "--seed", "0"), "state takes none of them"),
        (("build", "lora", "-o", "a.gguf", "--generator", "openai:x"), "GGUF file"),
        (("build", "lora", "-o", "a.gguf", "--peft", "mill.yaml"), "--peft mill.yaml: give a folder"),
        (("build", "lora", "-o", "a.gguf", "--peft", "pipe"), "--peft pipe: give a folder"),
        (("build", "lora", "-o", "a.gguf", "--peft", "none/peft"), "--peft none/peft: give a folder"),
        (("build", "lora", "-o", "a.gguf", "--peft", "dangling"), "--peft dangling: give a folder"),
        (("build", "lora", "-o", "a.gguf", "--peft", "q"), "q.rejected is none"),
        (("build", "lora", "-o", "a.gguf", "--peft", "a.gguf.work"), "goes once the adapter is there"),
        (("build", "lora", "-o", "a.gguf", "--peft", "a.gguf.work/peft"), "goes once the adapter is there"),
        (("build", "lora", "-o", "a.gguf", "--peft", "./a.gguf"), "a.gguf is read or written here as well"),
        (("compare", "--lora", "a.gguf", "--train-lora"), "give one of them"),
        (("compare", "--prompts-from", "none.txt"), "none.txt cannot be read"),
    ],
)
def test_bad_input_is_named(flags: tuple[str, ...], why: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed."""
    monkeypatch.chdir(folder)
    os.mkfifo("pipe")
    Path("dangling").symlink_to("nowhere")
    Path("away.gguf").symlink_to("none/a.gguf")
    Path("q.rejected").touch()
    if "a.gguf.work/peft" in flags:
        Path("a.gguf.work").mkdir()
    result = run("identity", *flags, "-m", str(folder / "mill.yaml"))
    assert result.exit_code == 2
    assert why in result.stderr


def test_too_few_prompts_are_refused(folder: Path) -> None:
    """None could be held out."""
    (folder / "prompts.txt").write_text("What is bread?\n")
    code, _, err = build(folder)
    assert code == 2
    assert "1 prompts are too few" in err


def test_prompts_that_repeat_one_another_are_refused(folder: Path) -> None:
    """What is held out would be learnt from, but for a word."""
    asked = (f"Write a short and friendly letter of apology to a {whom} because of a parcel." for whom in "abcde")
    (folder / "prompts.txt").write_text("\n".join(asked))
    code, _, err = build(folder)
    assert code == 2
    assert "5 prompts nearly repeat one another" in err
    assert not (folder / "a.gguf.work").exists()
