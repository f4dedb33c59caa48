"""The server's own pages: what a browser is shown, and what is told without a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.server import Key, new_key
from pipeline.server.documentation.schemas import kind, section
from tests.pipeline.browser import Browser, browser, needs_browser
from tests.pipeline.server.serving import TestClient, app_of, running, scripted

PAGES = ("/", "/v1", "/docs")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    _, digest = new_key()
    with running(app_of(scripted("Good day."), keys=(Key("me", digest),))) as address:
        yield address


def requested(chromium: Browser) -> list[str]:
    return [told["request"]["url"] for told in chromium.of("Network.requestWillBeSent")]


def operations(described: dict[str, Any]) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, each in described["paths"].items() for method in each]


@needs_browser
@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_one_request_and_fits(chromium: Browser, base: str, path: str, width: int) -> None:
    """Nothing is fetched from anywhere else, nothing runs, nothing goes wrong; there is something to read, which is no
    wider than the window and follows the reader's mode."""
    papers = set()
    for dark in (False, True):
        chromium.open(base + path, dark=dark, width=width)
        assert requested(chromium) == [base + path]
        assert chromium.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
        assert chromium.tell("document.scripts.length") == 0
        assert "POST /v1/chat/completions" in chromium.tell("document.body.innerText")
        assert chromium.tell("document.documentElement.scrollWidth") <= width
        papers.add(chromium.tell("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


@needs_browser
@pytest.mark.parametrize("path", ["/", "/v1"])
def test_one_click_leads_from_the_servers_address_to_the_interface(chromium: Browser, base: str, path: str) -> None:
    """And to the place in it; the browser asks nobody but the server."""
    chromium.open(base + path)
    chromium.heard.clear()
    chromium.click("dt a")
    chromium.loaded()
    assert requested(chromium) == [f"{base}/docs"]
    place = chromium.tell("document.querySelector(':target').innerText")
    assert place.startswith("POST /v1/chat/completions")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_other_server_and_forbids_itself_to_fetch(path: str) -> None:
    """By the policy that reports have as well."""
    page = TestClient(app_of(scripted("Good day."))).get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert re.findall(r"https?:|//\w|\bsrc=|<script|<link|@import|url\(", page.text) == []
    assert "default-src 'none'" in page.text
    assert 'href="openapi.json"' in page.text


def test_the_interface_is_told_in_full() -> None:
    """Every operation, status, schema and field of the OpenAPI document; what is linked to is there."""
    client = TestClient(app_of(scripted("Good day.")))
    page, described = client.get("/docs").text, client.get("/openapi.json").json()
    for method, path in operations(described):
        told = page.partition(f"<h2>{method} <code>{path}</code></h2>")[2].partition("</section>")[0]
        assert all(f"<dt>{status}</dt>" in told for status in described["paths"][path][method.lower()]["responses"])
    for name, schema in described["components"]["schemas"].items():
        told = page.partition(f'<section id="{name}">')[2].partition("</section>")[0]
        assert re.findall("<dt><code>(.*?)</code></dt>", told) == list(schema["properties"])
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_the_servers_address_points_to_every_operation() -> None:
    """By links into the page that tells of them."""
    client = TestClient(app_of(scripted("Good day.")))
    page, docs, described = client.get("/").text, client.get("/docs").text, client.get("/openapi.json").json()
    links = re.findall(r'<a href="docs#([^"]+)">(\w+) <code>([^<]+)</code></a>', page)
    assert [(method, path) for _, method, path in links] == operations(described)
    for place, method, path in links:
        assert f'id="{place}"><h2>{method} <code>{path}</code>' in docs


def test_without_a_key_the_pages_tell_nothing_of_what_is_served() -> None:
    """They are the same whatever it is, and the interface says which requests want a key."""
    _, digest = new_key()
    keys = (Key("me", digest),)
    served, other = (TestClient(app_of(scripted("a", name=name), keys=keys)) for name in ("secret", "other"))
    for path in PAGES:
        assert served.get(path).status_code == served.head(path).status_code == 200
        assert served.get(path).text == other.get(path).text
        assert "secret" not in served.get(path).text
    assert served.get("/docs").text.count("Wants a key") == 5
    assert "Wants a key" not in TestClient(app_of(scripted("a"))).get("/docs").text


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
def test_fastapis_own_pages_are_gone(path: str) -> None:
    """And are no way past the door."""
    _, digest = new_key()
    assert TestClient(app_of(scripted("Good day."))).get(path).status_code == 404
    assert TestClient(app_of(scripted("Good day."), keys=(Key("me", digest),))).get(path).status_code == 401


@pytest.mark.parametrize("path", PAGES)
def test_without_keys_pages_are_for_this_machine_as_well(path: str) -> None:
    """Not for a web page whose name leads here."""
    client = TestClient(app_of(scripted("Good day.")))
    assert client.get(path, headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({}, "anything"),
        ({"type": "array", "items": {}}, "list"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "object of boolean"),
        ({"$ref": "#/components/schemas/Usage"}, '<a href="#Usage">Usage</a>'),
        ({"enum": ["a", 1]}, '<code>&quot;a&quot;</code> or <code>1</code>'),
        ({"anyOf": [{"type": "number", "minimum": 1.0}, {}]}, "number (minimum <code>1</code>) or anything"),
        ({"type": "array", "items": {"anyOf": [{"type": "null"}, {"const": 2}]}}, "list of (null or <code>2</code>)"),
        ({"type": "object", "additionalProperties": False}, "object (additionalProperties <code>false</code>)"),
        ({"allOf": [{"type": "<b>"}]}, "anything (allOf <code>[{&quot;type&quot;: &quot;&lt;b&gt;&quot;}]</code>)"),
    ],
)  # fmt: skip
def test_a_schema_in_words(schema: dict[str, Any], told: str) -> None:
    """What there is no word for stands as it is."""
    assert kind(schema) == told


def test_a_fields_description_and_default_are_told_and_escaped() -> None:
    """What stands in backticks is code."""
    field = {"type": "string", "default": "<i>", "description": "As `a<b`."}
    told = section("One", {"type": "object", "properties": {"a": field}, "required": ["a"]})
    assert "string, required, by default <code>&quot;&lt;i&gt;&quot;</code><br>As <code>a&lt;b</code>." in told
