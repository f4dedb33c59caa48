"""What may be said of a server's address."""

from __future__ import annotations

import pytest

from pipeline.addresses import bare, is_web_address, masked, secrets_in


@pytest.mark.parametrize(
    ("url", "said", "shown"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("http://bob:pw@host:1/v1", "http://host:1/v1", "http://***@host:1/v1"),
        ("https://bob:p@w@host/v1", "https://host/v1", "https://***@host/v1"),
        ("https://bob:p/w@host/v1", "https://host/v1", "https://***@host/v1"),
        ("https://pw@host/v1?code=pw&x=1", "https://host/v1", "https://***@host/v1?***"),
        ("https://host/v1#pw", "https://host/v1", "https://host/v1#***"),
        ("https://bob:p?w@host/v1", "https://", "https://***@"),
        ("bob:pw@host/v1", "host/v1", "***@host/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://host/run/@cf/v1", "https://host/run/@cf/v1", "https://host/run/@cf/v1"),
        ("https://host:8/v1?key=a@b", "https://host:8/v1", "https://host:8/v1?***"),
        ("", "", ""),
    ],
)
def test_secrets_in_an_address_are_left_out_or_covered(url: str, said: str, shown: str) -> None:
    """Wherever they stand, also where they are not escaped as they should be."""
    assert (bare(url), masked(url)) == (said, shown)


def test_what_is_secret_in_an_address_can_be_looked_for() -> None:
    """As it is written and as it is sent; what is as short as a word is not."""
    found = secrets_in("http://bob:pass%40word@host/v1?code=sesame&x=1#open")
    assert set(found) == {"bob:pass%40word", "pass@word", "Ym9iOnBhc3NAd29yZA==", "sesame", "open"}
    assert found == sorted(found, key=len, reverse=True)
    assert secrets_in("https://host:8080/v1") == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/v1", "https://host", "http://[::1]:80/v1", "http://me:a b@host"])
def test_a_web_address_is_one(url: str) -> None:
    """With or without a port, a path, and a password that is written as it is."""
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    ["", "host:80", "localhost", "ftp://host", "http://", "http:///v1", "http://host:x/v1", "http://host:99999/v1",
     "http://host:0", "http://[::1/v1", "http://a b/v1", "http://host/v1\n", "http://host/v1 "],
)  # fmt: skip
def test_what_nobody_can_be_asked_at_is_no_web_address(url: str) -> None:
    """Clients stumble over it, each in its own way, or ask somewhere else."""
    assert not is_web_address(url)
