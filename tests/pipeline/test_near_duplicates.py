"""Grouping texts that are nearly the same, in scripts without spaces and without any letters."""

from __future__ import annotations

import pytest

from pipeline.near_duplicates import near_duplicates


def groups(*texts: str) -> list[int]:
    return near_duplicates([""] * len(texts), texts)


@pytest.mark.parametrize(
    ("one", "almost", "other"),
    [
        (
            "我想知道怎么做一个红烧肉，请告诉我详细的步骤和需要的材料，谢谢你的帮助。",
            "我想知道怎么做一个红烧鱼，请告诉我详细的步骤和需要的材料，谢谢你的帮助。",
            "请用中文解释这个字的意义及其在日常生活中的应用，并且举三个简单的例子。",
        ),
        (
            "私はおいしいカレーの作り方を知りたいので教えてください",
            "私はおいしいカレーの作り方を知りたいので教えて下さい",
            "私は東京で一番高い建物がどこにあるのか知りません",
        ),
    ],
)
def test_a_letter_more_or_less_makes_no_other_text_where_there_are_no_spaces(one: str, almost: str, other: str) -> None:
    first, second, third = groups(one, almost, other)
    assert first == second != third


@pytest.mark.parametrize("text", ["😡😡😡", "?!", "— … —"])
def test_the_same_text_without_a_word_is_one_group(text: str) -> None:
    """As a text and as a prompt; another one is another."""
    assert groups(text, f" {text}\n", f"{text}😀") == [0, 0, 2]
    assert near_duplicates([text, text, "!"], ["a", "b", "c"]) == [0, 0, 2]


def test_texts_with_nothing_in_them_stand_alone() -> None:
    assert near_duplicates(["", " "], ["", "\n"]) == [0, 1]
