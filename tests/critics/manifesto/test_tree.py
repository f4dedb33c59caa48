from __future__ import annotations

import time
from pathlib import Path

import pytest

from critics.errors import ManifestoError
from critics.manifesto.tree import MAX_BYTES, parse, read_yaml


def faults(text: str) -> list[str]:
    with pytest.raises(ManifestoError) as caught:
        parse(text, "m.yaml")
    return str(caught.value).splitlines()


def test_scalars_follow_yaml_1_2() -> None:
    """`no` is a word, `010` is ten, a date and a time of day stay words."""
    tree = parse("a: no\nb: 010\nc: 2026-01-01\nd: 12:30\ne: true\nf: ~\ng: 0x1F\nh: 1e3\ni: 0o17", "m.yaml")
    assert tree.plain() == {
        "a": "no",
        "b": 10,
        "c": "2026-01-01",
        "d": "12:30",
        "e": True,
        "f": None,
        "g": 31,
        "h": 1000.0,
        "i": 15,
    }


def test_places_count_from_one() -> None:
    """A value's place is that of its key; a list item's is its own."""
    tree = parse("a:\n  b:\n    - x\n    - y: 1\n", "m.yaml")
    assert str(tree.place("a", "b").fault("!")) == "m.yaml:2:3: !"
    assert str(tree.place("a", "b", 1, "y").fault("!")) == "m.yaml:4:7: !"
    assert str(tree.place("a", "nowhere").fault("!")) == "m.yaml:1:1: !"


def test_every_fault_is_reported_at_once() -> None:
    """A tag, a repeated key and a number beyond all bounds are three faults of one reading."""
    found = faults("a: !!python/object/apply:os.system ['true']\nb: .inf\nb: 2")
    assert [line.split(": ")[0] for line in found] == ["m.yaml:1:4", "m.yaml:2:4", "m.yaml:3:1"]


def test_a_tag_that_builds_objects_builds_nothing(tmp_path: Path) -> None:
    """PyYAML's object tags are refused, and what they name does not run."""
    marker = tmp_path / "ran"
    found = faults(f"a: !!python/object/apply:pathlib.Path.touch [{marker}]")
    assert "tag !!python/object/apply:pathlib.Path.touch is not allowed" in found[0]
    assert not marker.exists()


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "é: ü\n\tb: 1", "a:\n  - x\n\t- y", "\ta: 1"])
def test_a_tab_is_called_a_tab(text: str) -> None:
    """Where it stands; the parser's own words for it are no help."""
    (found,) = faults(text)
    line = text[: text.index("\t")].count("\n") + 1
    assert found == f"m.yaml:{line}:1: not YAML: there is a tab; indent with spaces"


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases counted"),
        ("a: &a [*a]", "nested more than"),
        ("[" * 100_000, "nested more than"),
        ("{a: " * 100_000, "nested more than"),
        ("\n".join(f"k{i}: v" for i in range(25_000)), "more than 20000 values"),
        ("a: " + "9" * 10_000, "is not a number that can be read"),
        ("a: 0x" + "F" * 10_000, "beyond all use"),
    ],
    ids=[
        "billion laughs",
        "self reference",
        "deep list",
        "deep mapping",
        "many keys",
        "long number",
        "long hexadecimal",
    ],
)
def test_hostile_documents_are_refused_within_a_second(text: str, said: str) -> None:
    """Nothing that a file can hold takes long or takes the process down."""
    began = time.thread_time()
    assert said in faults(text)[0]
    assert time.thread_time() - began < 1


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    """Fifty megabytes are refused within a second."""
    file = tmp_path / "large.yaml"
    file.write_bytes(b"# padding\n" * 5_000_000)
    began = time.thread_time()
    with pytest.raises(ManifestoError, match=f"larger than {MAX_BYTES // 1024} KiB"):
        read_yaml(file)
    assert time.thread_time() - began < 1


def test_a_file_that_is_not_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    """The first byte that is not UTF-8 is named with line and column."""
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: a\nbeliefs: café".encode("latin-1"))
    with pytest.raises(ManifestoError, match=r"latin.yaml:2:13: not UTF-8: byte 0xe9"):
        read_yaml(file)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_yaml(file).plain() == {"name": "a"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1,\nb: 2", "m.yaml:3:1: not YAML"),
        ("a: *b", "undefined alias"),
        ("a: b\n---\nc: d", "another document"),
        ("a: \x07", "control character"),
        ("? [x]\n: 1", "a key must be a word"),
    ],
)
def test_broken_yaml_says_what_is_wrong(text: str, said: str) -> None:
    """Each kind of broken text has a message of its own."""
    assert said in faults(text)[0]


def test_a_control_character_is_found_where_it_stands() -> None:
    """Counted in letters, however many bytes they take."""
    assert faults("a: é\nb: éé\x07")[0].startswith("m.yaml:2:6: a control character")


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_document_is_an_empty_mapping(text: str) -> None:
    """What is missing in it is for whoever reads it to say."""
    assert parse(text, "m.yaml").plain() == {}


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    """The operating system's own words are in the fault."""
    with pytest.raises(ManifestoError, match="No such file"):
        read_yaml(tmp_path / "nowhere.yaml")
