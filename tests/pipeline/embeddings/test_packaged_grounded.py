"""The fact check with the embedding model as it comes in its package, from the YAML of the guide to the verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from critics import Source
from critics import load as load_manifesto
from pipeline import Pipeline, assemble, load_settings

SOURCES = (
    Source(
        "The Sydney Harbour Bridge was opened on 19 March 1932. It was designed by Dorman Long of Middlesbrough. "
        "The bridge carries trains, cars and people on foot.",
        origin="A history of bridges",
        published="2015-04",
        kind="textbook",
    ),
    Source("The Sydney Harbour Bridge was opened in 1930, I think.", published="2021", kind="forum"),
)


@pytest.fixture(scope="module")
def ego(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (root / "docs" / "critics.md").read_text(), re.MULTILINE | re.DOTALL)
    (rules,) = [block for block in blocks if "grounded:" in block]
    file = tmp_path_factory.mktemp("manifesto") / "m.yaml"
    file.write_text(f'name: m\nversion: "1"\n{rules}')
    return assemble(load_manifesto(str(file)), load_settings(flags={"threads": 1}), drafts=False)


@pytest.mark.parametrize(
    ("draft", "outcome", "said"),
    [
        ("Gladly! The bridge in Sydney's harbour opened in 1932.", "pass", ""),
        ("Trains and cars can cross the Sydney Harbour Bridge.", "pass", ""),
        (
            "The Sydney Harbour Bridge was opened in 1930.",
            "revise",
            "not “1930” but “1932” says “A history of bridges”",
        ),
        ("The bridge does not carry trains.", "revise", "is contradicted by “The bridge carries trains"),
        ("Kangaroos sleep on the roof of the opera.", "revise", "is borne out by no source"),
    ],
)
def test_supported_contradicted_and_unsupported_are_told_apart(
    ego: Pipeline, draft: str, outcome: str, said: str
) -> None:
    """With the source that decided, though a newer one of less weight says what the draft says."""
    verdict = ego.judge("Tell me about the bridge.", draft, context=SOURCES)
    assert verdict.outcome == outcome
    (judgement,) = verdict.judgements
    assert said in judgement.findings[0].critique


def test_without_sources_nothing_is_passed(ego: Pipeline) -> None:
    assert ego.judge("Tell me about the bridge.", "It was opened in 1932.").outcome == "undecided"
