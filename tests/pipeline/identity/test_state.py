"""What the embedded model holds once it has read a manifesto: kept in a file, put back without reading."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from critics import Manifesto, Message, Rule
from pipeline.assembly import embedded
from pipeline.drafting import DraftRequest
from pipeline.errors import ModelMissing, ModelUnusable, SettingsError
from pipeline.identity import PromptedGenerator, Wardrobe, build_state, kept_state, preprompt, read_state, write_state
from pipeline.llama import Engine, LlamaGenerator, LlamaModel
from tests.pipeline.llama.renamed_file import write_renamed

WEIGHTS = embedded.weights()


def manifesto(name: str = "mill", *, sentences: int = 3) -> Manifesto:
    belief = f"A {name} grinds what it is given, and gives it back finer than it was. "
    return Manifesto(
        name=name, version="1", beliefs=belief * sentences, rules=(Rule(id="a", statement="It is short."),)
    )


@pytest.fixture
def own(model: LlamaModel) -> Iterator[Engine]:
    """An engine that has read nothing."""
    engine = Engine(model, context=1024, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def other(model: LlamaModel) -> Iterator[Engine]:
    engine = Engine(model, context=1024, threads=1)
    yield engine
    engine.close()


def drafted(engine: Engine, told: Manifesto, question: str = "What is flour?") -> tuple[str, int]:
    """A draft, and the tokens that were read for it."""
    before = engine.counts.read
    generator = PromptedGenerator(LlamaGenerator(engine, max_tokens=8, temperature=0), preprompt(told))
    text = "".join(piece.text for piece in generator(DraftRequest((Message("user", question),), 1)))
    return text, engine.counts.read - before


def test_another_process_reads_nothing_of_the_manifesto(own: Engine, other: Engine, tmp_path: Path) -> None:
    """Six hundred tokens are put back; the draft is what it is when they are read."""
    told, file = manifesto(sentences=33), tmp_path / "mill.state"
    state = build_state(told, own, WEIGHTS)
    assert len(state.tokens) >= 600
    write_state(file, state)
    before = other.counts.read
    kept_state(file, told, other, WEIGHTS)
    assert other.counts.read == before
    text, read = drafted(other, told)
    assert read == len(own.model.prompt([preprompt(told), Message("user", "What is flour?")])) - len(state.tokens) - 1
    assert read < 16
    assert text == drafted(own, told)[0]


def test_several_are_warm_at_once(own: Engine, other: Engine, tmp_path: Path) -> None:
    """Asking in turn reads none of them again."""
    several = [manifesto(name, sentences=8) for name in ("mill", "press", "sieve")]
    for told in several:
        write_state(tmp_path / told.name, build_state(told, own, WEIGHTS))
        kept_state(tmp_path / told.name, told, other, WEIGHTS)
    questions = [f"What is number {n}?" for n in range(6)]
    assert all(drafted(other, several[n % 3], question)[1] < 20 for n, question in enumerate(questions))


def test_other_words_are_read_anew_and_kept(own: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A stale state is named as such, and is not stale the next time."""
    before, file = manifesto(), tmp_path / "mill.state"
    write_state(file, build_state(before, own, WEIGHTS))
    after = before.model_copy(update={"beliefs": "A mill stands still on Sundays."})
    with caplog.at_level("INFO", "superego"):
        kept_state(file, after, own, WEIGHTS)
    assert "stale, since mill tells a generator other words by now" in caplog.text
    assert not read_state(file).made.stale(after)


def test_another_llama_cpp_reads_anew(own: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The cells' form may have changed."""
    file = tmp_path / "mill.state"
    write_state(file, replace(build_state(manifesto(), own, WEIGHTS), layout="of another version"))
    with caplog.at_level("INFO", "superego"):
        kept_state(file, manifesto(), own, WEIGHTS)
    assert "(of another version)" in caplog.text
    assert read_state(file).layout.startswith(own.layout)


def test_a_state_of_other_weights_is_refused(own: Engine, tmp_path: Path) -> None:
    """It is somebody else's, so it is neither used nor written over."""
    file = tmp_path / "mill.state"
    write_state(file, build_state(manifesto(), own, WEIGHTS))
    before, other = file.read_bytes(), tmp_path / "other.gguf"
    write_renamed(WEIGHTS, other, {"general.name": "somebody's"})
    with pytest.raises(SettingsError, match="made for other weights"):
        kept_state(file, manifesto(), own, other)
    assert file.read_bytes() == before


def test_one_that_no_manifesto_wears_is_named(own: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once it is worn by one, nothing is said of it."""
    file = tmp_path / "mill.state"
    write_state(file, build_state(manifesto(), own, WEIGHTS))
    wardrobe = Wardrobe((str(file),), strict=False)
    wardrobe.worn(manifesto("press"), own, WEIGHTS)
    wardrobe.tell_idle("and none that is served wears it")
    (said,) = caplog.messages
    assert said == f"the identity {file} was made of the manifesto mill, and none that is served wears it"
    wardrobe.worn(manifesto(), own, WEIGHTS)
    wardrobe.tell_idle("and none that is served wears it")
    assert caplog.messages == [said]


@pytest.mark.parametrize("content", [b"", b"GGUF....", b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, of another kind, of no kind."""
    (tmp_path / "it").write_bytes(content)
    with pytest.raises(ModelUnusable, match="it is not an identity"):
        read_state(tmp_path / "it")


def test_a_missing_one_says_how_to_make_it(tmp_path: Path) -> None:
    """The cure is one command."""
    with pytest.raises(ModelMissing, match="superego identity build"):
        read_state(tmp_path / "none.state")


def test_whom_the_umask_lets_may_read_it(own: Engine, tmp_path: Path) -> None:
    """Whoever serves need not be who built."""
    before = os.umask(0o027)
    try:
        write_state(tmp_path / "mill", build_state(manifesto(), own, WEIGHTS))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "mill").stat().st_mode) == 0o640


def test_one_that_may_not_be_read_is_there_all_the_same(
    own: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To build it again would not help."""
    (tmp_path / "mill").write_bytes(b"")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ModelUnusable, match="mill cannot be read: Permission denied"):
        read_state(tmp_path / "mill")
    with pytest.raises(ModelUnusable, match="mill cannot be read: Permission denied"):
        Wardrobe((str(tmp_path / "mill"),)).worn(manifesto(), own, WEIGHTS)


def test_the_command_builds_what_ask_uses(tmp_path: Path) -> None:
    """From one process to the next, on the command line."""

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
        )

    built = ran("identity", "build", "state", "-m", "house-style", "-o", "house.state")
    assert built.returncode == 0, built.stderr
    asked = ran(
        "ask", "Name a colour.", "-m", "house-style", "--identity", "house.state", "--max-tokens", "20", "--json"
    )
    assert asked.returncode in (0, 3), asked.stderr
    assert "stale" not in asked.stderr
    refused = ran("ask", "Name a colour.", "-m", "chemistry-lab", "--identity", "house.state")
    assert refused.returncode == 2
    assert "was made of the manifesto house-style, not chemistry-lab" in refused.stderr
