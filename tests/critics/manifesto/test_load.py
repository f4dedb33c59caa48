from __future__ import annotations

from pathlib import Path

import pytest

from critics.errors import ManifestoError
from critics.manifesto.extends import lineage
from critics.manifesto.load import load_tree
from critics.manifesto.schema import Manifesto, PersonalData, Rule

BASE = """\
name: base
version: "1"
beliefs: Be kind.
rules:
  - {id: short, statement: Short., critics: [patterns], patterns: {words: {at_most: 9}}, weight: 2}
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!"]}}
release: 0.9
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{list(files)[-1]}.yaml"


def loaded(folder: Path, **files: str) -> Manifesto:
    return load_tree(str(written(folder, **files))).manifesto


def faults(folder: Path, **files: str) -> list[str]:
    with pytest.raises(ManifestoError) as caught:
        load_tree(str(written(folder, **files)))
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_a_child_overrides_by_id_switches_off_and_appends(tmp_path: Path) -> None:
    """What is not said anew is the parent's; a rule named again keeps its place."""
    child = """\
name: child
version: "2"
extends: base.yaml
rules:
  - {id: calm, disabled: true}
  - {id: short, weight: 5}
  - {id: new, statement: New., critics: [patterns], patterns: {forbid: [x]}}
"""
    manifesto = loaded(tmp_path, base=BASE, child=child)
    assert [(rule.id, rule.weight) for rule in manifesto.rules] == [("short", 5), ("new", 1)]
    assert manifesto.rules[0].patterns is not None
    assert (manifesto.name, manifesto.beliefs, manifesto.release) == ("child", "Be kind.", 0.9)


def test_a_shipped_manifesto_can_be_extended_by_name(tmp_path: Path) -> None:
    """`extends` takes a shipped name."""
    manifesto = loaded(tmp_path, child="name: child\nversion: '1'\nextends: house-style\n")
    assert "brief" in {rule.id for rule in manifesto.rules}


def test_a_circle_is_refused_and_drawn(tmp_path: Path) -> None:
    """The fault shows the way round, at the `extends` that closes it."""
    a = "name: a\nversion: '1'\nextends: b.yaml\n"
    b = "name: b\nversion: '1'\nextends: a.yaml\n"
    assert faults(tmp_path, a=a, b=b) == ["a.yaml:3:1: `extends` goes in a circle: b.yaml → a.yaml → b.yaml"]


def test_a_fault_in_the_parent_names_the_parents_file(tmp_path: Path) -> None:
    """Whoever reads the message edits the right file."""
    child = "name: child\nversion: '1'\nextends: base.yaml\n"
    found = faults(tmp_path, base=BASE.replace("weight: 2", "weight: -2"), child=child)
    assert found[0].startswith("base.yaml:5:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: nowhere.yaml", "is not a file"),
        ("extends: house-stile", "no shipped manifesto is called 'house-stile'; did you mean `house-style`?"),
        ("extends: base.yaml\nrules: [{id: clam, disabled: true}]", "no rule `clam` to disable; did you mean `calm`?"),
        ("extends: base.yaml\nrules: {calm: {action: veto}}", "`rules` must be a list"),
        ("extends: base.yaml\nrules: ~", "`rules` must be a list"),
        ("extends: base.yaml\nrules: [{id: calm, disabled: yes}]", "`disabled` must be true or false, not 'yes'"),
        ("extends: base.yaml\nrules: [{disabled: true}]", "`disabled` needs the `id`"),
        ("rules: [{id: calm, statement: x, disabled: true}]", "`disabled` needs `extends`"),
        ("rules: [{id: a, statement: x}, {id: a, statement: y}]", "a second rule with the id `a`"),
    ],
)
def test_extends_and_ids_that_cannot_work_say_why(tmp_path: Path, text: str, said: str) -> None:
    """Each has its own message, with the cure where one can be guessed."""
    assert said in faults(tmp_path, base=BASE, child=f"name: child\nversion: '1'\n{text}\n")[0]


@pytest.mark.parametrize("extends", [f"{'x' * 300}.yaml", f"{'x/' * 3000}y.yaml", "loop.yaml", "loop.yaml/y.yaml"])
def test_a_path_that_leads_nowhere_is_told_where_it_stands(tmp_path: Path, extends: str) -> None:
    """A name that no file system takes, and links that go in a circle; who watches the files goes on as well."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    text = f"name: child\nversion: '1'\nextends: {extends}\n"
    (found,) = faults(tmp_path, child=text)
    assert found.startswith("child.yaml:3:1: `extends` names ")
    assert found.endswith("which is not a file")
    assert lineage(str(tmp_path / "child.yaml"))[0] == tmp_path / "child.yaml"
    assert lineage(str(tmp_path / "loop.yaml")) == (tmp_path / "loop.yaml",)


def test_all_faults_of_a_file_come_at_once_with_place_and_suggestion(tmp_path: Path) -> None:
    """Unknown keys, wrong values, missing keys and wrong types are reported together."""
    text = """\
name: Bad Name
version: 1
rules:
  - id: a
    statment: Typo.
    action: vetoo
    wieght: 2
    threshold: 1.5
    critics: patterns
budget: {attempts: 0}
"""
    assert sorted(faults(tmp_path, bad=text)) == sorted(
        [
            "bad.yaml:1:1: `name` is 'Bad Name', which does not fit ^[a-z0-9][a-z0-9-]*$",
            "bad.yaml:2:1: `version` must be words: put quotes around 1",
            "bad.yaml:4:5: `rules[0].statement` is missing",
            "bad.yaml:5:5: unknown key `rules[0].statment`; did you mean `statement`?",
            "bad.yaml:6:5: `rules[0].action` must be one of veto, revise, redact, flag, not 'vetoo'"
            "; did you mean `veto`?",
            "bad.yaml:7:5: unknown key `rules[0].wieght`; did you mean `weight`?",
            "bad.yaml:8:5: `rules[0].threshold`: input should be less than 1",
            "bad.yaml:9:5: `rules[0].critics` must be a list: write [patterns]",
            "bad.yaml:10:10: `budget.attempts`: input should be greater than or equal to 1",
        ]
    )


def test_a_key_has_one_spelling(tmp_path: Path) -> None:
    """That of the schema; the name that a field has in Python is none, there as well as in a parent."""
    rule = "{id: a, statement: A., critics: [personal-data], personal_data: {score: 0.9}}"
    base = f"name: base\nversion: '1'\nrules:\n  - {rule}\n"
    child = "name: child\nversion: '1'\nextends: base.yaml\nrules: [{id: a, personal-data: {score: 0.1}}]\n"
    said = "base.yaml:4:54: unknown key `rules[0].personal_data`; did you mean `personal-data`?"
    assert faults(tmp_path, base=base) == [said]
    assert faults(tmp_path, base=base, child=child) == [said]
    told = Rule(id="a", statement="A.", personal_data=PersonalData(score=0.9))
    assert told == Rule.model_validate({"id": "a", "statement": "A.", "personal-data": {"score": 0.9}})


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("hous-style", "did you mean `house-style`?"),
        ("house-style.yaml", "house-style.yaml, which is not a file; did you mean `house-style`?"),
        ("broken.yaml", "broken.yaml:2:"),
    ],
)
def test_what_cannot_be_extended_hides_no_other_fault(tmp_path: Path, extends: str, said: str) -> None:
    """Nor does a repeated id or a switch without a rule; and what the parent would have said is not missed."""
    text = f"""\
name: child
extends: {extends}
budgt: 3
rules:
  - {{id: brief, threshhold: 2}}
  - {{id: calm, disabled: true}}
  - {{id: brief, action: vetoo}}
"""
    found = faults(tmp_path, broken="a: 1\n\tb: 2\n", child=text)
    assert said in found[0]
    places = sorted(fault.split(": ")[0] for fault in found[1:])
    assert places == ["child.yaml:3:1", "child.yaml:5:17", "child.yaml:7:17", "child.yaml:7:6"]


def test_an_extends_that_was_forgotten_is_told_once(tmp_path: Path) -> None:
    """Beside what else is wrong."""
    text = "name: a\nversion: '1'\nrules:\n  - {id: calm, disabled: true}\n  - {id: b, statement: B, wieght: 2}\n"
    assert [fault.split(": ")[0] for fault in faults(tmp_path, a=text)] == ["a.yaml:4:16", "a.yaml:5:27"]


def test_the_hash_changes_with_the_meaning_and_not_with_the_layout(tmp_path: Path) -> None:
    """Comments and order of keys do not count; a weight does."""
    same = "# a comment\n" + BASE.replace('version: "1"\nbeliefs: Be kind.', 'beliefs: Be kind.\nversion: "1"')
    other = BASE.replace("weight: 2", "weight: 3")
    hashes = [loaded(tmp_path, base=text).hash for text in (BASE, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_manifesto_cannot_be_changed_once_loaded(tmp_path: Path) -> None:
    """Models are frozen, so a verdict's manifesto is the one whose hash it names."""
    manifesto = loaded(tmp_path, base=BASE)
    with pytest.raises(ValueError, match="frozen"):
        manifesto.release = 0.1  # type: ignore[misc]  # that it is refused is the point


def test_nobody_is_told_nothing(tmp_path: Path) -> None:
    """A blank refusal would be an empty answer, and a model cannot judge by a blank statement."""
    blank = "name: a\nversion: '1'\nrefusal: ' '\nrules: [{id: a, statement: \"\\n\"}]\n"
    assert sorted(faults(tmp_path, a=blank)) == [
        "a.yaml:3:1: `refusal` must not be blank",
        "a.yaml:4:17: `rules[0].statement` must not be blank",
    ]
