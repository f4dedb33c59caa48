"""A report as a reader sees it: in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.batch import Report
from tests.pipeline.batch.running import batch, go, lines, pipeline
from tests.pipeline.browser import Browser, browser, needs_browser

pytestmark = needs_browser

FETCHING = "bad <img src='http://127.0.0.1:9/x.png'><script>fetch('http://127.0.0.1:9/y')</script> SECRET"
SEEN = "[...document.querySelectorAll('blockquote')].map(quote => quote.checkVisibility())"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on twenty prompts, twelve of which came to drafts that are bad, and would fetch and run something."""
    folder, report = tmp_path_factory.mktemp("batch"), Report()
    asked = lines(*({"id": i, "prompt": FETCHING if i < 12 else "good"} for i in range(20)))
    go(batch(folder, asked, also=(report,)), pipeline())
    page = folder / "report.html"
    page.write_text(report.page({"input": "prompts.jsonl"}), "utf-8")
    return page


def test_it_fetches_nothing_and_nothing_goes_wrong(chromium: Browser, file: Path) -> None:
    """One request, for the page itself; no script, no error in the console, nothing that the page's policy stopped."""
    chromium.open(file)
    chromium.click(".worst > summary")
    chromium.tell("document.querySelectorAll('details').forEach(each => { each.open = true })")
    asked = [told["request"]["url"] for told in chromium.of("Network.requestWillBeSent")]
    assert asked == [file.as_uri()]
    assert chromium.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
    assert chromium.tell("document.scripts.length") == 0


def test_the_page_forbids_itself_to_fetch_and_to_run(chromium: Browser, file: Path) -> None:
    """Were something not escaped, the browser would stop it."""
    spoilt = file.with_name("spoilt.html")
    text = file.read_text("utf-8")
    inside = "<script>window.ran = 1</script><img src='http://127.0.0.1:9/x.png'>"
    spoilt.write_text(text.replace("</main>", f"{inside}</main>"), "utf-8")
    chromium.open(spoilt)
    assert chromium.tell("window.ran === undefined")
    refused = [told["entry"]["text"] for told in chromium.of("Log.entryAdded")]
    assert len(refused) == 2
    assert all("Content Security Policy" in text for text in refused)


def test_drafts_are_hidden_until_somebody_clicks(chromium: Browser, file: Path) -> None:
    """The first click shows which there are, the second one of them."""
    chromium.open(file)
    assert chromium.tell(SEEN) == [False] * 10
    assert "SECRET" not in chromium.tell("document.body.innerText")
    chromium.click(".worst > summary")
    assert chromium.tell(SEEN) == [False] * 10
    chromium.click(".worst > details > summary")
    assert chromium.tell(SEEN) == [True] + [False] * 9
    assert "SECRET" in chromium.tell("document.body.innerText")


def test_pictures_are_there_in_light_and_in_dark(chromium: Browser, file: Path) -> None:
    """Both are drawn; paper, ink and bars change with the reader's mode."""
    look = (
        "(() => { const svg = document.querySelectorAll('.plots svg');"
        "const bar = svg[1].querySelector('[style*=\"var(--baseline)\"]'), box = svg[0].getBoundingClientRect();"
        "return [svg.length, box.width > 200 && box.height > 100, getComputedStyle(document.body).backgroundColor,"
        "getComputedStyle(bar).fill, getComputedStyle(svg[0].querySelector('text')).fill]; })()"
    )
    chromium.open(file)
    light = chromium.tell(look)
    chromium.open(file, dark=True)
    dark = chromium.tell(look)
    assert light[:2] == dark[:2] == [2, True]
    assert all(one != other for one, other in zip(light[2:], dark[2:], strict=True))


def test_it_fits_a_telephone(chromium: Browser, file: Path) -> None:
    """Nothing is wider than the window; tables scroll by themselves."""
    chromium.open(file, width=360)
    assert chromium.tell("document.documentElement.scrollWidth") <= 360
