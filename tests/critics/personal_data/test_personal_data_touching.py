"""Data that touch the next word, as in scripts without spaces or behind a hyphen, are found, and only they."""

from __future__ import annotations

import pytest

from critics.exchange import Exchange
from critics.manifesto.schema import PersonalData, Rule
from critics.personal_data import PersonalDataCritic


def places(text: str, *allow: str) -> list[str]:
    options = PersonalData(regions=("US", "GB", "DE", "FR", "JP", "KR"), allow=allow)
    rule = Rule(id="r", statement="s", personal_data=options)
    return [text[slice(*span)] for span in PersonalDataCritic()(Exchange((), text), [rule])[0].spans]


@pytest.mark.parametrize(
    ("before", "data", "after"),
    [
        ("请发邮件到", "jane@example.com", "联系我"),
        ("", "jane@example.com", "으로 연락"),
        ("อีเมล", "jane@example.com", "ครับ"),
        ("卡号", "4111111111111111", "有效"),
        ("卡号", "４１１１１１１１１１１１１１１１", "有效"),
        ("服务器", "192.168.1.20", "上"),
        ("IBAN是", "DE89370400440532013000", "谢谢"),
        ("電話は", "090-1234-5678", "まで"),
        ("電話は", "０９０－１２３４－５６７８", "まで"),
        ("電話は", "03ー1234ー5678", "まで"),
        ("전화 ", "010-1234-5678", "로 주세요"),
        ("", "jane@example.com", "_联系"),
    ],
)
def test_a_script_without_spaces_hides_nothing(before: str, data: str, after: str) -> None:
    """Nor does a Korean particle; the span is that of the data, and no letter beside them."""
    assert places(f"{before}{data}{after}") == [data]


@pytest.mark.parametrize("data", ["用户@例子.中国", "用户@example.com", "jane@例え.jp", "José@bücher.example.com"])
def test_a_name_or_a_domain_may_be_in_such_a_script(data: str) -> None:
    """Letters that touch are looked past, and not taken away."""
    assert places(f"So: {data}, it is") == [data]


@pytest.mark.parametrize(
    "text",
    [
        "2024年5月12日到2024年6月30日",
        "价格为1200元到3400元之间",
        "共有12345678人参加",
        "2019年至2024年共1,250,000元",
        "版本1.2.3.4发布，第1.2.3.4节",
        "软件version1.2.3.4发布",
        "バージョン1.2.3.4を、버전 1.2.3.4로",
        "书号ISBN978-3-16-148410-0出版",
        "订单号4111111111111112，编号2023-0512-1号",
        "时间12:30:45开始，圆周率3.14159265358979约",
        "ราคา 1,200 บาทถึง 3,400 บาท",
    ],
)
def test_numbers_between_such_letters_stay_apart(text: str) -> None:
    """A date, a price, a version or a plain number is no find there either, and two numbers are not one."""
    assert places(text) == []


@pytest.mark.parametrize(
    ("data", "after"),
    [
        ("jane@example.com", "--she answers"),
        ("jane@example.com", "-please"),
        ("jane@my-mail.de", "-Adresse."),
        ("jane@example.com", ".Please write"),
        ("jane@example.co.uk", ".Please.write"),
        ("jane@xn--e1afmkfd.xn--p1ai", ".Please"),
        ("jane@example.com", f".{'a.' * 5000}"),
    ],
)
def test_an_address_ends_where_the_next_word_begins(data: str, after: str) -> None:
    """With a hyphen or a full stop between them, and no space: the longest beginning that is a domain counts."""
    assert places(f"Ask {data}{after}") == [data]


def test_of_two_addresses_joined_by_a_hyphen_both_are_found() -> None:
    assert places("jane@example.com-bob@example.org") == ["jane@example.com", "bob@example.org"]


def test_an_underscore_that_is_no_emphasis_is_of_the_address() -> None:
    """Another mailbox is not allowed."""
    assert places("Mail _jane@example.com now.", "jane@example.com") != []


@pytest.mark.parametrize(
    "text",
    [
        "请发邮件到jane@example.com。",
        "请发邮件到jane@example.com联系我",
        "문의는jane@example.com",
        "Mail __jane@example.com__!",
        "_jane@example.com is our address_",
        "请发邮件到_jane@example.com_",
    ],
)
def test_an_allowed_value_may_touch_the_word_before_it(text: str) -> None:
    """Or Markdown's emphasis: what is allowed is the address, and they are none of it. Another one is not allowed."""
    assert places(text, "jane@example.com") == []
    assert places(text, "mary@example.com") != []
    assert places(text.replace("jane", "mary.jane"), "jane@example.com") != []
