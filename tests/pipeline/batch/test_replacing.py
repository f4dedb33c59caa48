"""With `restart` an earlier output gives way to the new one, whatever either is."""

from __future__ import annotations

import stat
from pathlib import Path
from shutil import rmtree

import pytest

from pipeline.batch.writing.output import Output
from pipeline.errors import OutputFault
from tests.pipeline.batch.running import Echo, batch, go, pipeline, prompts, read

SHARDS = [None, 2]


def files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def ids(path: Path) -> list[str]:
    return [record["id"] for file in files(path) for record in read(file)]


@pytest.mark.parametrize("new", SHARDS)
@pytest.mark.parametrize("old", SHARDS)
def test_the_old_output_is_whole_until_the_new_one_is(tmp_path: Path, old: int | None, new: int | None) -> None:
    """At every record that is written, and nothing is left of it afterwards."""
    path, before = tmp_path / "out.jsonl", ["p0", "p1", "p2", "p3", "p4"]
    go(batch(tmp_path, prompts(5), shard=old))
    seen: list[list[str]] = []
    go(batch(tmp_path, prompts(3), shard=new, restart=True, also=[lambda _: seen.append(ids(path))]))
    assert seen == [before] * 3
    assert ids(path) == before[:3]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("new", SHARDS)
@pytest.mark.parametrize("old", SHARDS)
@pytest.mark.parametrize("private", ["output", "files"])
def test_what_nobody_else_could_read_nobody_else_can(
    tmp_path: Path, old: int | None, new: int | None, private: str
) -> None:
    """Whoever made the old output private, or what is in a folder of shards, need not do so again."""
    path = tmp_path / "out.jsonl"
    go(batch(tmp_path, prompts(3), shard=old))
    for file in files(path) if private == "files" else [path]:
        file.chmod(mode(file) & 0o700)
    modes = [mode(each) for each in (path, *files(path))]
    go(batch(tmp_path, prompts(5), shard=new, restart=True))
    assert all(mode(path) & mode(file) & 0o077 == 0 for file in files(path))
    if old == new:
        assert [mode(each) for each in (path, *files(path))][: len(modes)] == modes


@pytest.mark.parametrize("new", SHARDS)
@pytest.mark.parametrize("old", SHARDS)
def test_until_it_has_their_place_nobody_else_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: int | None, new: int | None
) -> None:
    """A long output is there for hours before it is whole. Then those read it who could read the old one."""
    go(batch(tmp_path, prompts(3), shard=old))
    path, publish, growing = tmp_path / "out.jsonl", Output.publish, list[int]()
    for file in files(path):
        file.chmod(0o644)
    if old:
        path.chmod(0o755)

    def looked(output: Output) -> None:
        growing.append(mode(output.growing))
        publish(output)

    monkeypatch.setattr(Output, "publish", looked)
    go(batch(tmp_path, prompts(5), shard=new, restart=True))
    assert growing == [0o700 if new else 0o600]
    assert mode(path) == (0o755 if new else 0o644)
    assert {mode(file) for file in files(path)} == {0o644}


def test_an_old_folder_that_cannot_go_does_not_bar_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be write-protected, which its successor is not before it has its place: undone, the run goes on."""
    go(batch(tmp_path, prompts(3), shard=2))
    path = tmp_path / "out.jsonl"
    path.chmod(0o555)

    def kept(removed: Path) -> None:
        if removed == path:
            raise PermissionError(13, "Permission denied")
        assert mode(removed) & 0o200
        rmtree(removed)

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.batch.writing.output.shutil.rmtree", kept)
        for restart in (True, False):
            with pytest.raises(OutputFault, match="Permission denied"):
                go(batch(tmp_path, prompts(5), shard=2, restart=restart))
    path.chmod(0o755)
    go(batch(tmp_path, prompts(5), shard=2))
    assert (len(ids(path)), mode(path)) == (5, 0o755)


@pytest.mark.parametrize("new", SHARDS)
def test_a_link_to_a_folder_of_shards_is_replaced(tmp_path: Path, new: int | None) -> None:
    """As a link to a file is: what it leads to stays where it is."""
    go(batch(tmp_path, prompts(5), "elsewhere", shard=2))
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "elsewhere")
    go(batch(tmp_path, prompts(3), shard=new, restart=True))
    assert (len(ids(tmp_path / "out.jsonl")), len(ids(tmp_path / "elsewhere"))) == (3, 5)


def test_killed_between_the_old_output_and_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal has all of it: the same command makes the new one, and asks nothing again."""
    go(batch(tmp_path, prompts(5)))
    job = batch(tmp_path, prompts(3), shard=2, restart=True)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            go(job)
    assert not job.output.path.exists()
    rest = Echo()
    assert go(batch(tmp_path, prompts(3), shard=2), pipeline(rest)).resumed == 3
    assert (ids(job.output.path), rest.asked) == (["p0", "p1", "p2"], [])
