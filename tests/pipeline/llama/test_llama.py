"""The door to llama.cpp, on the embedded weights."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from critics import Message
from pipeline import ContextOverflow, DraftRequest, ModelFault, ModelMissing, ModelUnusable, Piece, embedded
from pipeline.llama import LlamaContext, LlamaGenerator, LlamaJudgeModel, compile_grammar, fingerprint

ASK = (Message("user", "Name three colours."),)


def draft(model: LlamaContext, request: DraftRequest, **options: float) -> list[Piece]:
    model.llama.reset()  # so that the same batch shapes are computed, whatever ran before
    return list(LlamaGenerator(model, **options)(request))  # type: ignore[arg-type]  # max_tokens is an int


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_the_same_seed_writes_the_same_draft_and_another_another(model: LlamaContext) -> None:
    """On one machine, from an empty cache."""
    one, again, other = (text_of(draft(model, DraftRequest(ASK, seed, max_tokens=24))) for seed in (5, 5, 6))
    assert one == again != other


def test_tokens_are_counted_and_the_end_is_named(model: LlamaContext) -> None:
    """A draft cut off by its bound says so."""
    pieces = draft(model, DraftRequest(ASK, 1, max_tokens=7))
    assert sum(piece.usage.completion_tokens for piece in pieces) == 7
    assert pieces[0].usage.prompt_tokens > 10
    assert pieces[-1].finish == "length"


def test_the_generators_own_bound_holds_as_well(model: LlamaContext) -> None:
    """A request may ask for less, not for more."""
    pieces = draft(model, DraftRequest(ASK, 1, max_tokens=50), max_tokens=5)
    assert sum(piece.usage.completion_tokens for piece in pieces) == 5


def test_a_draft_goes_on_from_a_given_beginning(model: LlamaContext) -> None:
    """What it begins with is not written again."""
    pieces = draft(model, DraftRequest(ASK, 1, continues="Red, green and", max_tokens=3), temperature=0.0)
    assert "blue" in text_of(pieces)


def test_closing_a_draft_lets_the_next_one_in(model: LlamaContext) -> None:
    """Work stops after the piece at hand, and the context is free."""
    with closing(LlamaGenerator(model)(DraftRequest(ASK, 1))) as pieces:
        next(pieces)
        next(pieces)
        assert model.lock.locked()
    assert not model.lock.locked()


def test_a_prompt_that_does_not_fit_is_refused_before_it_is_read(model: LlamaContext) -> None:
    """With the numbers and the cure, and the next request works."""
    with pytest.raises(ContextOverflow, match=r"context is 2048.*raise `context`"):
        list(LlamaGenerator(model)(DraftRequest((Message("user", "word " * 3000),), 1)))
    assert text_of(draft(model, DraftRequest(ASK, 1, max_tokens=3)))


def test_a_choice_sums_its_spellings_and_prompts_share_their_beginning(model: LlamaContext) -> None:
    """The same question asked twice, alone and after another that begins alike, gives the same probability but for
    rounding: batches of other shapes are added up in another order."""
    judge = LlamaJudgeModel(model)
    prompts = [
        [Message("user", f"The sky is blue. Is the sky {colour}? Answer yes or no.")] for colour in ("blue", "red")
    ]
    model.llama.reset()
    (alone,) = judge.choose(prompts[1:], ("yes", "no"))
    _, after = judge.choose(prompts, ("yes", "no"))
    for choice in ("yes", "no"):
        assert 0 < alone.mass[choice] < 1
        assert after.mass[choice] == pytest.approx(alone.mass[choice], abs=0.02)
    assert {" Yes", "yes", "NO"} <= {_word(model, i) for c in ("yes", "no") for i in judge._ids(c)}


def _word(model: LlamaContext, token: int) -> str:
    return str(model.llama.detokenize([token]).decode())


def test_probabilities_over_the_vocabulary_add_up_to_one(model: LlamaContext) -> None:
    """They are read from the logits, not estimated."""
    probabilities = model.next_probabilities(model.prompt(ASK))
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities >= 0).all()


def test_a_schema_is_enforced(model: LlamaContext) -> None:
    """Whatever the model would rather say, what it writes fits."""
    schema = {
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": ["yes", "no"]}},
        "required": ["verdict"],
        "additionalProperties": False,
    }
    written = LlamaJudgeModel(model).write([Message("user", "Write a poem.")], max_tokens=40, schema=schema)
    assert json.loads(written.text)["verdict"] in ("yes", "no")


def test_a_schema_that_does_not_compile_is_an_error() -> None:
    """And not silently any JSON."""
    with pytest.raises(ModelFault, match="does not compile"):
        compile_grammar({"type": "no such type"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(ModelMissing, match=r"nowhere\.gguf"):
        LlamaContext(tmp_path / "nowhere.gguf")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """By its first bytes, with the cure."""
    file = tmp_path / "notes.gguf"
    file.write_text("just text")
    with pytest.raises(ModelUnusable, match="not a GGUF file"):
        LlamaContext(file)


@pytest.mark.parametrize("kept", [8, 4096, 20_000_000])
def test_a_damaged_model_is_refused(tmp_path: Path, kept: int) -> None:
    """Cut off in its header, in its metadata, in its weights: an error, not a crash."""
    file = tmp_path / "cut.gguf"
    with embedded.weights().open("rb") as whole:
        file.write_bytes(whole.read(kept))
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        LlamaContext(file)


def test_a_model_without_a_chat_template_says_so(tmp_path: Path) -> None:
    """Such a model was not trained to be asked; guessing a template would only look like it worked."""
    file = tmp_path / "bare.gguf"
    whole = embedded.weights().read_bytes()
    assert whole.count(b"tokenizer.chat_template") == 1
    file.write_bytes(whole.replace(b"tokenizer.chat_template", b"tokenizer.chat_templatX"))
    bare = LlamaContext(file, context=64)
    with pytest.raises(ModelUnusable, match="carries no chat template"):
        bare.prompt(ASK)


def test_a_fingerprint_tells_weights_apart(tmp_path: Path) -> None:
    """By size and by both ends of the file, and nothing for no file."""
    one, other, none = tmp_path / "one", tmp_path / "other", tmp_path / "none"
    one.write_bytes(b"a" * 5_000_000 + b"b")
    other.write_bytes(b"a" * 5_000_000 + b"c")
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)
    assert fingerprint(none) == ""


def test_a_model_too_big_for_the_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte takes no room on the disk, and would in memory."""
    file = tmp_path / "huge.gguf"
    with file.open("wb") as huge:
        huge.write(b"GGUF")
        huge.truncate(1 << 40)
    with pytest.raises(ModelUnusable, match="of memory are free"):
        LlamaContext(file)
