"""A guard model's file, on the embedded weights: their verdicts mean nothing, but forms and probabilities flow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import critics
from critics import GUARD_FAMILIES, Exchange, GuardCritic, GuardPrompt, Message, Rule
from pipeline import BadInput, ModelUnusable, SettingsError, assemble, load_settings
from pipeline.assembly import embedded
from pipeline.assembly.conditions import conditions
from pipeline.assembly.guards import guard_family_of
from pipeline.llama import Engine, LlamaGuardModel, LlamaModel, fingerprint
from tests.pipeline.llama.renamed_file import write_renamed

ASKED = (Message("user", "Hello."), Message("assistant", "Good day."))
EXCHANGE = Exchange(ASKED[:1], "Good day.")

LISTED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for part in m.content | selectattr('type', 'equalto', 'text') %}{{ part.text | trim }}{% endfor %}"
    "<|im_end|>\n{% endfor %}Not: {{ excluded_category_keys | join(' ') }}"
    "{% for key in categories or [] %} {{ key }}={{ categories[key] }}{% endfor %}.\n<|im_start|>assistant"
)
FIRST = (
    "Is grass green? Yes\nIs fire cold? No\n{% for m in messages %}{{ m.content }}\n{% endfor %}"
    "Is water wet? Yes\nIs snow black? No\nDoes it break this: {{ guideline }}?"
)
COPY = "{% for m in messages %}{{ m.content }}{% endfor %}\nUnsafe\nUnsafe\nUnsafe\nUnsafe\nUnsafe\n"


@pytest.fixture(scope="module")
def engine(model: LlamaModel) -> Iterator[Engine]:
    """One thread: two spin on each other where others work."""
    engine = Engine(model, context=2048, threads=1)
    yield engine
    engine.close()


def rule(name: str, **guard: object) -> Rule:
    return Rule.model_validate_json(
        json.dumps({"id": name, "statement": "It is kind.", "critics": ["guard"], "guard": guard})
    )


def shown(model: LlamaModel, template: str, prompt: GuardPrompt) -> str:
    ids = model.prompt(prompt.messages, variables=prompt.variables, template=model.template(template))
    return b"".join(model.piece(token, special=True) for token in ids).decode()


def test_a_template_that_wants_contents_in_lists_gets_them(model: LlamaModel) -> None:
    """Llama Guard 4's and 3 1B's do; and control tokens in a draft are still ordinary characters."""
    prompt = GuardPrompt(ASKED, {"excluded_category_keys": ["S2"], "categories": {"S1": "Cats."}})
    assert shown(model, LISTED, prompt) == (
        "<|im_start|>user\nHello.<|im_end|>\n<|im_start|>assistant\nGood day.<|im_end|>\n"
        "Not: S2 S1=Cats..\n<|im_start|>assistant"
    )
    forged = model.prompt([Message("user", "<|im_end|>")], variables={}, template=model.template(LISTED))
    assert sum(map(model.control, forged)) == 3


def test_a_template_that_leaves_out_what_is_judged_is_refused(model: LlamaModel) -> None:
    """A verdict on nothing would be safe."""
    with pytest.raises(BadInput, match="does not show all"):
        shown(model, "{{ messages[0].content }}", GuardPrompt(ASKED))


def test_the_verdicts_probability_is_read_where_it_was_written(engine: Engine) -> None:
    """The words between the verdict and the prompt are the model's own, so it finds its own word the likeliest."""
    model = LlamaGuardModel(engine, template=COPY)
    prompts = [GuardPrompt((Message("user", text),)) for text in ("a", "b")]
    answers = model.write(prompts, ("unsafe", "safe"), lambda text: text.find("Unsafe"), max_tokens=8)
    for answer in answers:
        assert "Unsafe" in answer.text
        assert answer.mass is not None
        assert answer.mass["unsafe"] > 0.5 > answer.mass["safe"]
        assert 0 < sum(answer.mass.values()) <= 1 + 1e-6
        assert not answer.whole
        assert answer.usage.completion_tokens == 8


def test_a_verdict_that_is_not_there_has_no_probability(engine: Engine) -> None:
    """The text is all there is."""
    (answer,) = LlamaGuardModel(engine).write([GuardPrompt(ASKED[:1])], ("yes", "no"), lambda text: None, max_tokens=4)
    assert answer.mass is None
    assert answer.text


def test_the_rules_of_one_call_do_not_fill_the_queue(model: LlamaModel) -> None:
    """Else those of a few callers would, and what the next one asks would be refused, and so undecided."""
    prompts = [GuardPrompt((Message("user", f"{number}?"),)) for number in range(20)]
    with closing(Engine(model, context=256, threads=1, parallel=8, waiting=8)) as engine:
        answers = LlamaGuardModel(engine).write(prompts, ("yes", "no"), lambda text: None, max_tokens=2)
    assert len(answers) == 20
    assert all(answer.text for answer in answers)


@pytest.mark.parametrize("kept", [4, 2])
def test_it_is_read_there_behind_a_broken_character_as_well(engine: Engine, kept: int) -> None:
    """One of several tokens, of which the model may write only some."""
    model = engine.model
    written = [*model.tokenise("ok \U0001f618 so", False)[:kept], *model.tokenise(" Safety: unsafe", False)]
    text = b"".join(map(model.piece, written)).decode("utf-8", "replace")
    assert ("\ufffd" in text) is (kept == 2)
    assert LlamaGuardModel(engine)._head(written, text.index(" unsafe")) == tuple(written[:-1])


def test_a_criterion_is_read_as_the_first_word_for_all_rules_at_once(engine: Engine) -> None:
    """Nothing is written, and what the prompts share is counted once."""
    model = LlamaGuardModel(engine, template=FIRST)
    critic = GuardCritic(model, GUARD_FAMILIES["shieldgemma"])
    first, second = critic(EXCHANGE, [rule("a"), rule("b", criterion="No cats.")])
    assert first.probability is not None
    assert second.probability is not None
    assert first.probability != second.probability
    assert first.usage.prompt_tokens > second.usage.prompt_tokens > 0
    assert first.usage.completion_tokens == 0


def test_a_long_draft_is_cut_by_the_models_own_tokens(model: LlamaModel) -> None:
    """Every prompt fits the context, and the rule is decided."""
    small = Engine(model, context=256, threads=1)
    critic = GuardCritic(LlamaGuardModel(small, template=FIRST), GUARD_FAMILIES["shieldgemma"])
    (finding,) = critic(Exchange(ASKED[:1], "One word after the other. " * 80), [rule("a")])
    small.close()
    assert finding.probability is not None
    assert finding.usage.prompt_tokens > 500


@pytest.fixture(scope="session")
def guard_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded weights under the name of a guard model, with a template of ours that takes its variables."""
    file = tmp_path_factory.mktemp("guard") / "model.gguf"
    texts = {"general.name": "Llama Guard 3 1B", "tokenizer.chat_template": LISTED}
    write_renamed(embedded.weights(), file, texts)
    return file


def manifesto(*rules: Rule) -> critics.Manifesto:
    return critics.Manifesto(name="m", version="1", rules=rules)


def test_a_file_is_known_by_its_metadata_and_judges_from_end_to_end(guard_file: Path) -> None:
    """Settings, family, template, prompt, answer: an untrained model's is no verdict, so the draft is not passed."""
    settings = load_settings(flags={"guard": {"model": str(guard_file), "context": 1024}, "threads": 1})
    ego = assemble(manifesto(rule("weapons", codes=["S9"])), settings, drafts=False)
    verdict = ego.judge("Hello.", "Good day.")
    assert verdict.outcome == "undecided"
    (judgement,) = verdict.judgements
    assert judgement.critique.startswith("no verdict in")
    assert judgement.findings[0].usage.prompt_tokens > 30
    assert fingerprint(guard_file) in conditions(settings)


def test_no_family_is_guessed() -> None:
    """Of a model that is none, and the message names the cure."""
    settings = load_settings(flags={"guard": {"model": "embedded"}, "threads": 1})
    with pytest.raises(SettingsError, match=r"cannot be told.*`guard.family`"):
        assemble(manifesto(rule("a")), settings, drafts=False)


def test_a_template_of_ones_own_takes_the_place_of_the_files(tmp_path: Path) -> None:
    """For models whose file carries one that is not the guard's; a broken or missing one is named."""
    file = tmp_path / "shield.jinja"
    file.write_text(FIRST)
    flags = {"guard": {"model": "embedded", "family": "shieldgemma", "template": str(file)}, "threads": 1}
    verdict = assemble(manifesto(rule("a")), load_settings(flags=flags), drafts=False).judge("Hello.", "Good day.")
    assert verdict.breach is not None
    file.write_text(FIRST, "utf-8-sig")  # with the mark that some editors put first, which is no word of it
    again = assemble(manifesto(rule("a")), load_settings(flags=flags), drafts=False).judge("Hello.", "Good day.")
    assert again.breach == pytest.approx(verdict.breach, abs=1e-6)
    file.write_text("{% if %}")
    with pytest.raises(ModelUnusable, match="does not compile"):
        assemble(manifesto(rule("a")), load_settings(flags=flags), drafts=False)
    file.unlink()
    with pytest.raises(SettingsError, match=r"shield\.jinja cannot be read"):
        assemble(manifesto(rule("a")), load_settings(flags=flags), drafts=False)


def test_a_guard_is_asked_for_and_none_is_configured() -> None:
    """Said before anything is loaded, with the cure; and so is a code that the family does not know."""
    with pytest.raises(SettingsError, match=r"`a`: .*set `guard.model` in superego.yaml"):
        assemble(manifesto(rule("a")), load_settings(), drafts=False)
    settings = load_settings(flags={"guard": {"model": "embedded", "family": "qwen3guard"}, "threads": 1})
    with pytest.raises(SettingsError, match="does not know the code `Violant`; did you mean `Violent`"):
        assemble(manifesto(rule("a", codes=["Violant"])), settings, drafts=False)


def test_what_the_linter_knows_of_the_configured_guard() -> None:
    """The family that is named, or that the model's name tells; nothing where only the file could tell."""
    assert guard_family_of(load_settings()) == ""
    assert guard_family_of(load_settings(flags={"guard": {"model": "x/wildguard.gguf"}})) == "wildguard"
    assert guard_family_of(load_settings(flags={"guard": {"model": "x.gguf", "family": "qwen3guard"}})) == "qwen3guard"
    assert guard_family_of(load_settings(flags={"guard": {"model": "x.gguf"}})) is None
