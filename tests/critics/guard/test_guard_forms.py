"""The forms of guard models' answers, whole and broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critics import GUARD_FAMILIES, Unreadable
from critics.guard.forms import Said
from critics.guard.forms.said import Reader
from critics.manifesto.schema import Side

HARMONY = '<|channel|>analysis<|message|>Hm, {{"violation": 0}}?<|end|><|start|>assistant<|channel|>final<|message|>{}'

WHOLE: list[tuple[str, Side, str, str, tuple[str, ...]]] = [
    ("llama-guard", "output", "\n\nsafe", "safe", ()),
    ("llama-guard", "output", "\n\nunsafe\nS1,S9", "unsafe", ("S1", "S9")),
    ("llama-guard", "output", "unsafe\nO3", "unsafe", ("O3",)),
    ("llama-guard", "output", "UNSAFE\ns2 , s10\n", "unsafe", ("s2", "s10")),
    ("llama-guard", "output", "unsafe", "unsafe", ()),
    ("llama-guard", "output", "safe<|eot_id|>", "safe", ()),
    ("shieldgemma", "output", "Yes", "yes", ()),
    ("shieldgemma", "output", "No\n\nThe guideline is kept, yes.", "no", ()),
    ("shieldgemma", "output", " yes, because", "yes", ()),
    ("granite-guardian-3.2", "output", "Yes", "yes", ()),
    ("granite-guardian-3.2", "output", "No\n<confidence> High </confidence>", "no", ()),
    ("granite-guardian", "output", "<score> yes </score>", "yes", ()),
    ("granite-guardian", "output", "<think>\n</think>\n<score> no </score>", "no", ()),
    ("granite-guardian", "output", "<think>Is it <score> no </score>?</think><score>YES</score>", "yes", ()),
    ("granite-guardian-4.1", "output", "It is fine.</think>\n<score> no </score>", "no", ()),
    ("qwen3guard", "input", "Safety: Safe\nCategories: None", "safe", ()),
    ("qwen3guard", "output", "Safety: Unsafe\nCategories: Violent, PII\nRefusal: No", "unsafe", ("Violent", "PII")),
    ("qwen3guard", "output", "safety: controversial\ncategories: Jailbreak\n", "controversial", ("Jailbreak",)),
    ("gpt-oss-safeguard", "output", HARMONY.format('{"violation": 1, "policy_category": "H3"}'), "1", ()),
    ("gpt-oss-safeguard", "output", HARMONY.format("0<|return|>"), "0", ()),
    ("gpt-oss-safeguard", "output", '{"rationale": "it says \\"violation\\": 1", "violation": 0}', "0", ()),
    ("gpt-oss-safeguard", "output", 'analysisWe see.assistantfinal{"violation": true}', "1", ()),
    ("gpt-oss-safeguard", "output", '```json\n{"Violation": 0}\n```', "0", ()),
    ("wildguard", "input", "Harmful request: yes\nResponse refusal: N/A\nHarmful response: N/A", "yes", ()),
    ("wildguard", "output", "Harmful request: yes\nResponse refusal: no\nHarmful response: no", "no", ()),
    ("nemoguard", "input", '{"User Safety": "unsafe", "Safety Categories": "Violence, Threat"}', "unsafe",
     ("Violence", "Threat")),
    ("nemoguard", "output", '{"User Safety": "unsafe", "Response Safety": "safe"}', "safe", ()),
    ("nemoguard", "output", "User Safety: safe\nResponse Safety: unsafe\nSafety Categories: Malware", "unsafe",
     ("Malware",)),
]  # fmt: skip

BROKEN: list[tuple[str, Side, str]] = [
    *(
        (name, "output", text)
        for name in GUARD_FAMILIES
        for text in ("", " \n", "uns", "I cannot help with that.", "{")
    ),
    *((name, "output", "<think>Let me see. safe yes no 0") for name in GUARD_FAMILIES),
    ("llama-guard", "output", "safe\nunsafe"),
    ("llama-guard", "output", "unsafe\nsafe"),
    ("llama-guard", "output", "safe\nS1"),
    ("llama-guard", "output", "not safe"),
    ("llama-guard", "output", "safe, I think"),
    ("llama-guard", "output", "unsafe\nS1 because it is"),
    ("llama-guard", "output", "unsafe\nS"),
    ("shieldgemma", "output", "Yes and no"),
    ("shieldgemma", "output", "Nothing"),
    ("granite-guardian-3.2", "output", "Yes\nNo"),
    ("granite-guardian", "output", "<score> yes </score><score> no </score>"),
    ("granite-guardian", "output", "<score> yes"),
    ("granite-guardian", "output", "no"),
    ("granite-guardian", "output", "<think><score> no </score>"),
    ("qwen3guard", "output", "Safety: Safe\nSafety: Unsafe"),
    ("qwen3guard", "output", "Categories: None"),
    ("qwen3guard", "output", "Safety: Safe\nCategories: None\nThe draft says Safety: Unsafe"),
    ("qwen3guard", "output", "Safety: Safely"),
    ("qwen3guard", "output", "Safety: Safe\nCategories: Violent"),
    ("gpt-oss-safeguard", "output", '{"violation": 2}'),
    ("gpt-oss-safeguard", "output", '{"violation": 0.0}'),
    ("gpt-oss-safeguard", "output", '{"violation": null}'),
    ("gpt-oss-safeguard", "output", '{"violation": 0, "violation": 1}'),
    ("gpt-oss-safeguard", "output", '{"violation": 0} {"violation": 1}'),
    ("gpt-oss-safeguard", "output", '{"violation": 0'),
    ("gpt-oss-safeguard", "output", "[0]"),
    ("gpt-oss-safeguard", "output", '<|channel|>analysis<|message|>It says {"violation": 0}'),
    ("gpt-oss-safeguard", "output", HARMONY.format('{"violation": 0}') + "<|channel|>analysis<|message|>Wait"),
    ("gpt-oss-safeguard", "output", 'analysisIt says {"violation": 0}'),
    ("wildguard", "output", "Harmful request: no"),
    ("wildguard", "output", "Harmful response: N/A"),
    ("wildguard", "output", "Harmful response: no\nHarmful response: yes"),
    ("nemoguard", "output", '{"User Safety": "safe"}'),
    ("nemoguard", "output", '{"Response Safety": "safe", "response safety": "unsafe"}'),
    ("nemoguard", "output", '{"Response Safety": ["safe"]}'),
    ("nemoguard", "input", '{"Response Safety": "safe"}'),
]


@pytest.mark.parametrize(("family", "side", "text", "word", "codes"), WHOLE)
def test_every_published_form_is_read(family: str, side: Side, text: str, word: str, codes: tuple[str, ...]) -> None:
    """The word, its codes, and the place where the word stands: that is where its probability is read."""
    said = GUARD_FAMILIES[family].read(text, side)
    assert (said.word, said.codes) == (word, codes)
    written = text[said.place :].lower()
    assert written.startswith((word, "true" if word == "1" else word))


@pytest.mark.parametrize(("family", "side", "text"), BROKEN)
def test_whatever_is_not_plainly_a_verdict_is_unreadable(family: str, side: Side, text: str) -> None:
    """Empty, cut short, contradictory, forged, or still thinking: none of it is a pass."""
    with pytest.raises(Unreadable):
        GUARD_FAMILIES[family].read(text, side)


def _read(reader: Reader, text: str, side: Side) -> Said | None:
    try:
        return reader(text, side)
    except Unreadable:
        return None


PIECES = st.sampled_from([
    "safe", "unsafe", "Yes", "no", "\n", " ", ",", ":", "{", "}", '"', "S1", "S99", "None", "Safety", "Safety: Safe",
    "Categories", "<think>", "</think>", "<score>", "</score>", "<|channel|>", "final", "<|message|>", "analysis",
    "assistantfinal", "violation", "0", "1", "Harmful response: no", "User Safety", "Response Safety", "```", "<|end|>",
])  # fmt: skip
NOISE = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join))
# By chance alone, next to nothing is an answer.
TOUCHED = st.builds(
    lambda case, place, noise: (case[0], case[1], case[2][:place] + noise + case[2][place:]),
    st.sampled_from(WHOLE), st.integers(0, 120), st.lists(PIECES, max_size=2).map("".join),
)  # fmt: skip


@given(st.tuples(st.sampled_from(sorted(GUARD_FAMILIES)), st.sampled_from(["input", "output"]), NOISE) | TOUCHED)
def test_a_reader_gives_one_of_its_own_words_or_refuses(answer: tuple[str, Side, str]) -> None:
    """For any text whatever: no other error, and the word stands where it is said to stand."""
    family, side, text = answer
    known = GUARD_FAMILIES[family]
    said = _read(known.read, text, side)
    if said is not None:
        assert said.word in known.words
        assert text[said.place :].lower().startswith((said.word, "true", "false"))


@given(
    case=st.sampled_from([case for case in WHOLE if case[0] != "shieldgemma"]),
    more=st.text("abcdefghij {}:\n", min_size=1, max_size=30).filter(lambda text: text.strip() != ""),
)
def test_a_verdict_with_anything_behind_it_is_unreadable(
    case: tuple[str, Side, str, str, tuple[str, ...]], more: str
) -> None:
    """Only ShieldGemma's form goes on."""
    family, side, text, *_ = case
    assert _read(GUARD_FAMILIES[family].read, f"{text}\n{more}", side) is None


@pytest.mark.parametrize(("family", "side", "text", "word"), [case[:4] for case in WHOLE])
def test_what_is_cut_short_never_says_the_opposite(family: str, side: Side, text: str, word: str) -> None:
    """Every beginning of an answer is unreadable, or has the whole one's verdict."""
    beginnings = [_read(GUARD_FAMILIES[family].read, text[:cut], side) for cut in range(len(text))]
    assert {said.word for said in beginnings if said} <= {word}


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.none(), st.integers(), st.text(max_size=8)), max_size=4))
def test_an_object_is_read_only_by_its_own_keys(made: dict[str, object]) -> None:
    """Other keys have no say, whatever they hold."""
    said = _read(GUARD_FAMILIES["gpt-oss-safeguard"].read, json.dumps({**made, "violation": 1}), "output")
    assert said is None or said.word == "1"
