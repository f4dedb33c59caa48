"""The door to llama.cpp, on the embedded weights."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from critics import Exchange, Finding, Message, Rule, within
from pipeline import ContextOverflow, DraftOptions, DraftRequest, ModelFault, ModelMissing, ModelUnusable, Piece
from pipeline.assembly import embedded
from pipeline.llama import Engine, LlamaGenerator, LlamaJudgeModel, LlamaModel, compile_grammar, fingerprint
from pipeline.llama.engine import Writing
from pipeline.llama.waiting import listened
from tests.pipeline.llama.renamed_file import write_renamed
from tests.pipeline.llama.waiting_for import until

ASK = (Message("user", "Name three colours."),)


def draft(engine: Engine, request: DraftRequest, **options: float) -> list[Piece]:
    return list(LlamaGenerator(engine, **options)(request))  # type: ignore[arg-type]  # max_tokens is an int


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_the_same_seed_writes_the_same_draft_and_another_another(model: LlamaModel) -> None:
    """On one machine, from an empty cache: in a full one the same numbers are added up in another order."""

    def written(seed: int) -> str:
        engine = Engine(model, context=256)
        text = text_of(draft(engine, DraftRequest(ASK, seed, max_tokens=24)))
        engine.close()
        return text

    assert written(5) == written(5) != written(6)


def test_tokens_are_counted_and_the_end_is_named(engine: Engine) -> None:
    """A draft cut off by its bound says so."""
    pieces = draft(engine, DraftRequest(ASK, 1, max_tokens=7))
    assert sum(piece.usage.completion_tokens for piece in pieces) == 7
    assert pieces[0].usage.prompt_tokens > 10
    assert pieces[-1].finish == "length"


def test_the_generators_own_bound_holds_as_well(engine: Engine) -> None:
    """A request may ask for less, not for more."""
    pieces = draft(engine, DraftRequest(ASK, 1, max_tokens=50), max_tokens=5)
    assert sum(piece.usage.completion_tokens for piece in pieces) == 5


def test_a_draft_goes_on_from_a_given_beginning(engine: Engine) -> None:
    """What it begins with is not written again."""
    pieces = draft(engine, DraftRequest(ASK, 1, continues="Red, green and", max_tokens=3), temperature=0.0)
    assert "blue" in text_of(pieces)


def test_the_generators_own_bound_is_of_the_whole_draft(engine: Engine) -> None:
    """What it goes on from counts, so that going on again and again makes no endless one."""
    begun = "Red, green and"
    whole = len(engine.model.tokenise(begun, False)) + 2
    pieces = draft(engine, DraftRequest(ASK, 1, continues=begun), temperature=0.0, max_tokens=whole)
    assert sum(piece.usage.completion_tokens for piece in pieces) == 2
    (none,) = draft(engine, DraftRequest(ASK, 1, continues=begun), temperature=0.0, max_tokens=2)
    assert (none.text, none.finish) == ("", "length")


def test_a_call_has_options_of_its_own(engine: Engine) -> None:
    """Greedy though the generator is not, no longer than asked with what it goes on from, and up to a stop string, also
    one that begins there."""

    def written(**options: Any) -> str:
        begun = "Red, green and"
        request = DraftRequest(ASK, 1, continues=begun, options=DraftOptions(temperature=0.0, **options))
        return text_of(draft(engine, request, temperature=2.0))

    assert "blue" in written(max_tokens=8)
    assert written(max_tokens=2) == ""
    assert written(stop=("blue",)) == " "
    assert written(stop=("and blue",)) == ""


def test_a_draft_that_nobody_wants_is_not_waited_for(engine: Engine) -> None:
    """Not even for its first word, before which a prompt may be read for long."""
    stop = threading.Event()
    pieces = LlamaGenerator(engine)(DraftRequest((Message("user", "word " * 1500),), 1, stop=stop))
    assert next(pieces).usage.prompt_tokens > 1500
    stop.set()
    assert list(pieces) == []


def test_closing_a_draft_ends_the_work(engine: Engine) -> None:
    """Nothing more is written than what was under way."""
    with closing(LlamaGenerator(engine)(DraftRequest(ASK, 1))) as pieces:
        next(pieces)
        next(pieces)
    wait_until_idle(engine)
    before = engine.counts
    time.sleep(0.1)
    assert engine.counts == before


def wait_until_idle(engine: Engine) -> None:
    """Whatever was cancelled is noticed at the next step, so a request after it comes behind that."""
    text_of(draft(engine, DraftRequest(ASK, 1, max_tokens=1)))


def test_a_prompt_that_does_not_fit_is_refused_before_it_is_read(engine: Engine) -> None:
    """With the numbers and the cure, and the next request works."""
    with pytest.raises(ContextOverflow, match=r"context is 2048.*raise `context`"):
        list(LlamaGenerator(engine)(DraftRequest((Message("user", "word " * 3000),), 1)))
    assert text_of(draft(engine, DraftRequest(ASK, 1, max_tokens=3)))


def test_a_choice_sums_its_spellings_and_prompts_share_their_beginning(engine: Engine) -> None:
    """The same question asked twice, alone and after another that begins alike, gives the same probability but for
    rounding: batches of other shapes are added up in another order."""
    judge = LlamaJudgeModel(engine)
    prompts = [
        [Message("user", f"The sky is blue. Is the sky {colour}? Answer yes or no.")] for colour in ("blue", "red")
    ]
    (alone,) = judge.choose(prompts[1:], ("yes", "no"))
    _, after = judge.choose(prompts, ("yes", "no"))
    for choice in ("yes", "no"):
        assert 0 < alone.mass[choice] < 1
        assert after.mass[choice] == pytest.approx(alone.mass[choice], abs=0.05)
    spelled = {engine.model.piece(i).decode() for c in ("yes", "no") for i in judge._spelled(c)}
    assert {" Yes", "yes", "NO"} <= spelled


def test_what_prompts_share_is_counted_once(engine: Engine) -> None:
    """However many rules there are, the exchange is read once and counts once against a budget."""
    shared = "A long story. " * 40
    prompts = [[Message("user", f"{shared} Question {letter}?")] for letter in "ABCD"]
    first, *others = (reading.usage.prompt_tokens for reading in LlamaJudgeModel(engine).choose(prompts, ("yes", "no")))
    assert first > 150
    assert all(count < 20 for count in others)


def test_the_preamble_is_read_once(engine: Engine) -> None:
    """A system message is kept, whatever was drafted and judged in between."""
    judge = LlamaJudgeModel(engine)
    system = Message("system", "You judge by many rules. " * 20)
    judge.choose([[system, Message("user", "One.")]], ("yes", "no"))
    draft(engine, DraftRequest(ASK, 1, max_tokens=40))
    before = engine.counts
    judge.choose([[system, Message("user", "Two.")]], ("yes", "no"))
    assert engine.counts.reused - before.reused >= engine.model.preamble(system) > 100
    assert engine.counts.read - before.read < 12


def test_a_draft_is_found_again_as_it_was_written(engine: Engine) -> None:
    """Its tokens need not be those that its text would be cut into, so they are remembered."""
    pieces = draft(engine, DraftRequest(ASK, 3, max_tokens=30))
    text, tokens = text_of(pieces), sum(piece.usage.completion_tokens for piece in pieces)
    before = engine.counts
    asked = [*ASK, Message("assistant", text), Message("user", "Was that right?")]
    LlamaJudgeModel(engine).choose([asked], ("yes", "no"))
    assert engine.counts.reused - before.reused >= len(engine.model.prompt(ASK)) + tokens - 1 > 40


def test_a_critic_whose_time_is_up_leaves_no_work_behind(engine: Engine) -> None:
    """The model is told how long the critic has, and stops by itself."""
    slow = ModelCritic(LlamaJudgeModel(engine))
    with pytest.raises(TimeoutError):
        within(0.2, slow, Exchange(()), [])
    assert slow.ended.wait(5)
    assert isinstance(slow.error, ModelFault)


def test_a_critic_that_nobody_waits_for_leaves_no_work_behind(engine: Engine) -> None:
    """Whoever asked has hung up, and the model stops in the middle of what it writes."""
    slow, stop = ModelCritic(LlamaJudgeModel(engine)), threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(TimeoutError):
        within(None, slow, Exchange(()), [], stop=stop)
    assert slow.ended.wait(20)
    assert isinstance(slow.error, ModelFault)


def test_what_is_not_yet_begun_is_not_waited_for_either() -> None:
    writing = Writing()

    def hears(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        list(listened(writing))
        return []

    with pytest.raises(TimeoutError):
        within(0.1, hears, Exchange(()), [])
    until(writing.cancelled)


class ModelCritic:
    """Writes for ever."""

    def __init__(self, model: LlamaJudgeModel) -> None:
        self.model = model
        self.ended = threading.Event()
        self.error: Exception | None = None

    def __call__(self, exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        try:
            for _ in range(100):
                self.model.write([Message("user", "Write a long story.")], max_tokens=1500)
        except ModelFault as exc:
            self.error = exc
        self.ended.set()
        time.sleep(0.5)  # or it could answer at the very end
        return []


def test_a_schema_is_enforced(engine: Engine) -> None:
    """Whatever the model would rather say, what it writes fits."""
    schema = {
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": ["yes", "no"]}},
        "required": ["verdict"],
        "additionalProperties": False,
    }
    written = LlamaJudgeModel(engine).write([Message("user", "Write a poem.")], max_tokens=40, schema=schema)
    assert json.loads(written.text)["verdict"] in ("yes", "no")


def test_a_schema_that_does_not_compile_is_an_error() -> None:
    """And not silently any JSON."""
    with pytest.raises(ModelFault, match="does not compile"):
        compile_grammar({"type": "no such type"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(ModelMissing, match=r"nowhere\.gguf"):
        LlamaModel(tmp_path / "nowhere.gguf")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """By its first bytes, with the cure."""
    file = tmp_path / "notes.gguf"
    file.write_text("just text")
    with pytest.raises(ModelUnusable, match="not a GGUF file"):
        LlamaModel(file)


@pytest.mark.parametrize("kept", [8, 4096, 20_000_000])
def test_a_damaged_model_is_refused(tmp_path: Path, kept: int) -> None:
    """Cut off in its header, in its metadata, in its weights: an error, not a crash."""
    file = tmp_path / "cut.gguf"
    with embedded.weights().open("rb") as whole:
        file.write_bytes(whole.read(kept))
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        LlamaModel(file)


def test_a_model_without_a_chat_template_says_so(tmp_path: Path) -> None:
    """Such a model was not trained to be asked; guessing a template would only look like it worked."""
    file = tmp_path / "bare.gguf"
    whole = embedded.weights().read_bytes()
    assert whole.count(b"tokenizer.chat_template") == 1
    file.write_bytes(whole.replace(b"tokenizer.chat_template", b"tokenizer.chat_templatX"))
    bare = LlamaModel(file)
    with pytest.raises(ModelUnusable, match="carries no chat template"):
        bare.prompt(ASK)


@pytest.mark.parametrize("made", [LlamaGenerator, LlamaJudgeModel])
def test_a_model_that_would_not_be_told_is_refused_at_the_start(
    tmp_path: Path, made: type[LlamaGenerator] | type[LlamaJudgeModel]
) -> None:
    """And not when the first prompt has come; that of the file is named."""
    file = tmp_path / "deaf.gguf"
    write_renamed(embedded.weights(), file, {"tokenizer.chat_template": "{{ messages[-1].content }}"})
    with closing(Engine(LlamaModel(file), context=64)) as engine, pytest.raises(ModelUnusable, match=r"deaf\.gguf"):
        made(engine)


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
        LlamaModel(file)


def test_what_a_gpu_may_have_room_for_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "huge.gguf"
    with file.open("wb") as huge:
        huge.write(b"GGUF")
        huge.truncate(1 << 40)
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        LlamaModel(file)


def test_what_was_written_is_found_in_its_own_tokens_unless_nobody_looks_for_it(model: LlamaModel) -> None:
    """A judge with an engine of its own reads the same tokens whatever others have written."""
    said = [Message("user", "Hi"), Message("assistant", "A strange way to spell"), Message("user", "Why?")]
    plain = model.prompt(said)
    spelled = [token for letter in "A strange way to spell" for token in model.tokenise(letter, False)]
    model.remember("A strange way to spell", spelled)
    assert model.prompt(said) != plain
    assert model.prompt(said, as_written=False) == plain


def test_what_a_judge_is_asked_about_is_tokenised_once_for_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an engine of its own; elsewhere a text may have been written in the meantime, and have other tokens then."""
    model, told = LlamaModel(embedded.weights()), Message("system", "Rules.")
    texts: list[str] = []
    tokenised = LlamaModel._tokenised

    def noted(self: LlamaModel, text: str, special: bool) -> list[int]:
        texts.append(text)
        return tokenised(self, text, special)

    monkeypatch.setattr(LlamaModel, "_tokenised", noted)
    said = [told, Message("user", "A long exchange."), Message("assistant", "An answer.")]
    prompts = [model.prompt(said, continues=f"{number}.", as_written=False) for number in range(16)]
    assert len({tuple(prompt) for prompt in prompts}) == 16
    assert texts.count("A long exchange.") == texts.count("An answer.") == 1
    assert prompts == [model.prompt(said, continues=f"{number}.") for number in range(16)]
