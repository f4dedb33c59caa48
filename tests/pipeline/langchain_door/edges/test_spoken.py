"""What a message says is judged whole, and what is given out says exactly what was judged."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from pipeline.langchain_door.edges.spoken import released, said

TEXTS = st.text(max_size=20)
NESTED = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(TEXTS, NESTED, max_size=4)


def message(text: str, thought: str, arguments: Any) -> AIMessage:
    return AIMessage(
        [{"type": "reasoning", "reasoning": thought}, {"type": "text", "text": text}],
        tool_calls=[{"name": "send", "args": arguments, "id": "1"}],
        additional_kwargs={"reasoning_content": thought[::-1]},
    )


def words(value: Any) -> list[str]:
    """Every text in nested arguments, keys as well."""
    if isinstance(value, dict):
        return [word for key, inner in value.items() for word in (key, *words(inner))]
    if isinstance(value, list):
        return [word for inner in value for word in words(inner)]
    return [value] if isinstance(value, str) else []


@given(TEXTS, TEXTS, ARGUMENTS)
def test_every_word_is_judged(text: str, thought: str, arguments: Any) -> None:
    """As it is, wherever it stands."""
    judged = said([message(text, thought, arguments)])
    seen = [text, thought, thought[::-1], *words(arguments)]
    assert all(word in judged for word in seen if word.strip())


@given(TEXTS, TEXTS, ARGUMENTS, TEXTS)
@example(" ", "", {}, "")
def test_what_is_given_out_says_what_passed(text: str, thought: str, arguments: Any, passed: str) -> None:
    """Or nothing is given out."""

    def mend(part: str) -> str:
        return part.replace("0", "")

    made = message(text, thought, arguments)
    for target in (said([made]), mend(said([made])), passed):
        given_out = released([made], target, mend)
        assert given_out is None or said(given_out) == target
    assert released([made], said([made]), mend) is not None
    (plain,) = released([AIMessage(text)], passed, mend) or []
    assert plain.text == passed
