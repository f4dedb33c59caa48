"""What the documents show is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from langchain_core.language_models import FakeListChatModel
from pydantic import BaseModel

from bench import identity
from bench.targets import TARGETS, table
from bench.timing import Spread
from critics import check
from examples.rag import chain_of
from pipeline import ScriptedGenerator, Settings, load
from pipeline.identity.questions import read_questions
from pipeline.langchain import ModeratedChat
from pipeline.settings import ServedSettings, load_settings
from pipeline.settings.settings import FILE_NAME

BRIEF = {**os.environ, "SUPEREGO_GENERATOR__MAX_TOKENS": "60"}
"""Drafts may be many times as long, and nothing is said of how long they are."""


def blocks(file: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", file.read_text(), flags=re.MULTILINE | re.DOTALL)


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=root, capture_output=True, text=True, timeout=240, check=False)


def test_the_readme_names_two_commands_and_make_has_them(root: Path) -> None:
    """The first two commands of the README are targets; the second is what runs this test."""
    first, second, *_ = re.findall(r"^\$ make (\w+)", (root / "README.md").read_text(), flags=re.MULTILINE)
    assert (first, second) == ("demo", "test")
    assert "pytest" in make(root, "--dry-run", second).stdout


def test_what_is_no_target_is_an_error(root: Path) -> None:
    """A built-in rule of make's would copy setup.sh to a file of that name, and nothing would be set up."""
    assert make(root, "--dry-run", "setup").returncode == 2


def test_the_demo_shows_a_revision_on_real_weights(root: Path) -> None:
    """`make demo`, as it stands in the README: a draft goes back, a later one is released."""
    done = make(root, "demo")
    assert done.returncode == 0, done.stderr
    assert "goes back" in done.stderr
    assert "released: a draft passed" in done.stderr
    answer = [line for line in done.stdout.splitlines() if line and not line.startswith((".venv", "\t", " "))]
    assert answer


def test_the_readmes_manifesto_has_no_fault(root: Path, tmp_path: Path) -> None:
    """It is ten lines, is the one among the examples, and works."""
    (text,) = blocks(root / "README.md", "yaml")
    assert len(text.splitlines()) == 10
    assert text == (root / "examples" / "our-style.yaml").read_text()
    assert check(str(root / "examples" / "our-style.yaml")) == []


def test_the_readmes_python_runs(root: Path, tmp_path: Path) -> None:
    """On the embedded model, in a folder of its own, each part by itself."""
    first, second = blocks(root / "README.md", "python")
    assert all(len([line for line in code.splitlines() if line.strip()]) <= 10 for code in (first, second))
    assert ran(first, tmp_path).split()[0] in ("released", "withheld")
    assert ran(second, tmp_path).strip()


def ran(code: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=240, check=True, env=BRIEF
    ).stdout


def test_the_guide_to_python_runs(root: Path, tmp_path: Path) -> None:
    """Its parts, one after the other, on the embedded model."""
    said = ran("\n".join(blocks(root / "docs" / "python.md", "python")), tmp_path)
    assert "released" in said


def test_the_guide_to_langchain_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its parts, one after the other, round somebody's chat model."""
    code = "\n".join(blocks(root / "docs" / "langchain.md", "python"))
    exec(code, {"model": FakeListChatModel(responses=["Rain is water."])})
    assert capsys.readouterr().out.split("\n") == ["Rain is water. 1", *["Rain is water."] * 3, ""]


@pytest.mark.parametrize("name", ["scripted.py", "trace.py", "rag.py"])
def test_the_examples_run(root: Path, name: str) -> None:
    """From the project's folder, as they say."""
    done = subprocess.run(
        [sys.executable, f"examples/{name}"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=None if name == "rag.py" else BRIEF,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_terminal_chat_answers_until_there_is_no_more(root: Path) -> None:
    """A line in, an answer out, and what came of it beside."""
    done = subprocess.run(
        [sys.executable, "examples/chat.py"],
        cwd=root,
        input="Name a colour.\n\nAnd another one?\n",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=BRIEF,
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\((released|withheld), attempts: \d\)$", done.stderr, flags=re.MULTILINE)) == 2
    assert done.stdout.strip()


def test_the_retrieving_chain_says_what_its_documents_bear_out(root: Path) -> None:
    """What only the forum says goes back, because the textbook, which weighs more, says otherwise."""
    wrong, right = "The Sydney Harbour Bridge was opened in 1930.", "The Sydney Harbour Bridge was opened in 1932."
    generator = ScriptedGenerator([wrong, right])
    ego = load(str(root / "examples" / "by-the-sources.yaml"), generator=generator)
    answer = chain_of(ModeratedChat(pipeline=ego)).invoke("When was the Sydney Harbour Bridge opened?")
    assert answer.text == right
    first, second = (" ".join(turn.content for turn in request.messages) for request in generator.requests)
    assert all(word in first for word in ("A history of bridges", "2015-04", "textbook", "forum"))
    assert "Golden Gate" not in first
    assert "but “1932” says “A history of bridges”" in second


def test_the_manifestos_of_the_guide_have_no_fault(root: Path, tmp_path: Path) -> None:
    """The examples of building on another and of calibrating."""
    texts = blocks(root / "docs" / "manifestos.md", "yaml")
    assert len(texts) == 2
    for text in texts:
        file = tmp_path / "our-lab.yaml"
        file.write_text(text)
        assert check(str(file)) == []


def test_the_critic_of_the_guide_works(root: Path, tmp_path: Path) -> None:
    """A critic of one's own and its rule, as shown, judge."""
    (code,) = blocks(root / "docs" / "critics.md", "python")
    *_, rules = blocks(root / "docs" / "critics.md", "yaml")
    (tmp_path / "shouting.py").write_text(code)
    (tmp_path / "m.yaml").write_text(f'name: m\nversion: "1"\n{rules}')
    (tmp_path / FILE_NAME).write_text("trusted: ['shouting:make']\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "judge", "-", "-m", "m.yaml"],
        cwd=tmp_path,
        input=json.dumps({"text": "hi", "response": "HELLO"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert json.loads(done.stdout)["outcome"] == "revise"


OURS = """\
name: ours
version: "1"
rules:
  - {id: kind, statement: Kind., critics: ["graded:make"]}
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!"]}}
"""
GRADED = """\
from critics import Finding

def make():
    return lambda exchange, rules: [Finding(r.id, "graded", len(exchange.judged) / 100) for r in rules]
"""


def test_the_commands_of_the_guide_to_evaluation_run(root: Path, tmp_path: Path) -> None:
    """In their order, in a folder where the files that they name lie."""
    rows = [{"text": "hi", "response": "x" * i, "label": int(i % 7 < i / 10)} for i in range(1, 61)]
    (tmp_path / "replies.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "ours.yaml").write_text(OURS)
    (tmp_path / "graded.py").write_text(GRADED)
    (tmp_path / FILE_NAME).write_text("trusted: ['graded:make']\n")
    commands = re.findall(r"^\$ superego (.+)$", (root / "docs" / "evaluation.md").read_text(), flags=re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["eval", "eval", "calibrate", "judge"]
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *command.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PYTHONPATH": f"{root}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert (tmp_path / "page.html").exists()


def test_the_rules_of_the_guide_have_no_fault(root: Path, tmp_path: Path) -> None:
    """Each block of rules, as a manifesto."""
    *blocks_of_rules, _ = blocks(root / "docs" / "critics.md", "yaml")
    assert blocks_of_rules
    for rules in blocks_of_rules:
        (tmp_path / "m.yaml").write_text(f'name: m\nversion: "1"\n{rules}')
        assert check(str(tmp_path / "m.yaml")) == []


def test_the_settings_of_the_guide_are_all_there_are(root: Path, tmp_path: Path) -> None:
    """They load, and no key is left out but those that are told in the text."""
    (text,) = blocks(root / "docs" / "settings.md", "yaml")
    file = tmp_path / FILE_NAME
    file.write_text(text)
    assert load_settings(file).generator.max_tokens == 400
    written, told = yaml.safe_load(text), set(re.findall(r"`(\w+)`", (root / "docs" / "settings.md").read_text()))
    assert set(Settings.model_fields) == set(written)
    for name, section in load_settings(file):
        if isinstance(section, BaseModel):
            shared = set(ServedSettings.model_fields) & (set(written["generator"]) | told)
            assert set(type(section).model_fields) <= set(written[name]) | shared, name


def test_the_guide_to_commands_is_current(root: Path, tmp_path: Path) -> None:
    """`make docs` was run after the commands changed."""
    out = tmp_path / "cli.md"
    command = ["-m", "typer", "pipeline.cli.main", "utils", "docs", "--name", "superego", "--output", str(out)]
    subprocess.run([sys.executable, *command], cwd=root, capture_output=True, timeout=60, check=True)
    assert (root / "docs" / "cli.md").read_text() == out.read_text()


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    """Every relative link is a file."""
    for file in (*root.glob("*.md"), *(root / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text()):
            assert "://" in link or (file.parent / link).exists(), f"{file.name}: {link}"


def test_the_figures_of_the_guide_are_those_that_were_measured(root: Path) -> None:
    """The table is what `make bench` printed when it wrote the results that lie in the project."""
    results = json.loads((root / "bench" / "results.json").read_text())
    assert table({name: Spread(**results[name]) for name in TARGETS}) in (root / "docs" / "performance.md").read_text()


def test_the_identities_of_the_guide_are_those_that_were_measured(root: Path) -> None:
    """The table is what `python -m bench.identity` prints of the results that lie in the project."""
    kept = json.loads((root / "bench" / "identity.json").read_text())
    assert identity.table(kept) in (root / "docs" / "identity.md").read_text()


def test_the_question_of_the_guide_can_be_read(root: Path, tmp_path: Path) -> None:
    """As `identity compare --questions` reads it."""
    (line,) = blocks(root / "docs" / "identity.md", "json")
    (tmp_path / "questions.jsonl").write_text(line)
    (question,) = read_questions(tmp_path / "questions.jsonl")
    assert question.answers[question.right] == "Honey"
