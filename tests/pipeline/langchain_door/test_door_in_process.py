"""ChatLlamaCpp with the embedded weights, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import validate

from critics import Message, NoLogProbabilities
from pipeline.drafting import DraftRequest
from pipeline.errors import ContextOverflow, ModelFault, ModelUnavailable
from pipeline.langchain_door import ChatGenerator, ChatJudgeModel
from pipeline.llama import compile_grammar

# The package says at import that it is no longer maintained; nothing that whoever runs these tests could mend.
pytestmark = pytest.mark.filterwarnings("ignore:`langchain-community` is being sunset:DeprecationWarning")

ASKED = (Message("user", "Is the sky blue? Answer with yes or no."),)
SCHEMA = {"type": "object", "properties": {"broken": {"type": "boolean"}}, "required": ["broken"]}


@pytest.fixture(scope="module")
def model(load_in_process: Callable[..., Any]) -> Iterator[Any]:
    """Loaded once."""
    loaded = load_in_process()
    yield loaded
    loaded.client.close()


def test_a_draft_is_written_in_process(model: Any) -> None:
    """A draft is streamed, bounded by max_tokens, says why it ended, and repeats with its seed."""
    drafts = ChatGenerator(model, name="local")
    first, again = (list(drafts(DraftRequest(ASKED, seed=3, max_tokens=6))) for _ in range(2))
    assert len(first) > 2
    assert first[-1].finish == "length"
    assert [piece.text for piece in first] == [piece.text for piece in again]


def test_a_model_that_keeps_no_logits_has_no_log_probabilities(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says `NoLogProbabilities` without a call, which would be in vain, and writes its verdicts instead."""
    judge = ChatJudgeModel(model, name="local", grammar=compile_grammar)
    asked: list[dict[str, Any]] = []
    with monkeypatch.context() as patch:
        patch.setattr(model.client, "create_chat_completion", lambda **options: asked.append(options))
        with pytest.raises(NoLogProbabilities):
            judge.choose([ASKED], ["yes", "no"])
    assert asked == []
    validate(json.loads(judge.write(ASKED, max_tokens=20, schema=SCHEMA).text), SCHEMA)


def test_the_compiled_grammar_is_what_binds(model: Any) -> None:
    """The grammar that was compiled is used, so the answer can be nothing else."""
    judge = ChatJudgeModel(model, name="local", grammar=lambda _: compile_grammar({"const": "only this"}))
    assert json.loads(judge.write(ASKED, max_tokens=20, schema=SCHEMA).text) == "only this"


def test_a_schema_that_no_grammar_can_express_is_a_fault(model: Any) -> None:
    """A bad schema is told, and not answered with any JSON there is."""
    with pytest.raises(ModelFault, match="schema"):
        ChatJudgeModel(model, name="local", grammar=compile_grammar).write(
            ASKED, max_tokens=9, schema={"$ref": "#/nowhere"}
        )


def test_a_count_is_the_tokenisers(model: Any) -> None:
    """With the tokeniser at hand the count is close to what the model reads, and not below it."""
    judge = ChatJudgeModel(model, name="local")
    prompt = [Message("system", "Be brief."), Message("user", "xqzvkj " * 20)]
    read = judge.write(prompt, max_tokens=1).usage.prompt_tokens
    assert read <= judge.count(prompt) <= read + 30


def test_no_model_is_given_more_than_it_was_trained_with(load_in_process: Callable[..., Any]) -> None:
    """Positions beyond that it has never seen; and its judge goes by what it is given, whatever was set."""
    loaded = load_in_process(context=9000)
    assert loaded.client.n_ctx() == 8192
    assert ChatJudgeModel(loaded, name="local", context=9000).context == 8192
    loaded.client.close()


def test_a_prompt_beyond_the_context_is_told_apart(model: Any) -> None:
    """A prompt that does not fit is `ContextOverflow`."""
    with pytest.raises(ContextOverflow):
        list(ChatGenerator(model, name="local")(DraftRequest((Message("user", "word " * 600),), seed=1)))


def test_one_call_at_a_time(model: Any) -> None:
    """While a draft is open a second one gives up in words when nobody waits for it any more, and a verdict waits until
    the draft is closed."""
    drafts, judge = ChatGenerator(model, name="local"), ChatJudgeModel(model, name="local")
    pieces = drafts(DraftRequest(ASKED, seed=3, max_tokens=50))
    next(pieces)
    with pytest.raises(ModelUnavailable, match="busy"):
        list(drafts(DraftRequest(ASKED, seed=3, deadline=time.monotonic() + 0.1)))
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(judge.write, ASKED, max_tokens=1)
        with pytest.raises(TimeoutError):
            verdict.result(0.5)
        pieces.close()
        assert verdict.result(60).text
