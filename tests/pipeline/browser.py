"""A real browser, for pages: headless Chromium, spoken to over its own pipe; no test of its own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(
    not CHROMIUM and "CI" not in os.environ, reason="no chromium is installed: apt-get install chromium"
)
"""Where CI has no browser, its test fails."""


class Browser:
    """One page of it. `heard` is whatever it told meanwhile, as DevTools events."""

    def __init__(self, to: int, lines: BinaryIO) -> None:
        self._to = to
        self._lines = lines
        self._number = 0
        self._session: str | None = None
        self.heard: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, page: Path | str, *, dark: bool = False, width: int = 1100) -> None:
        """Show a file, or what is at an address, and wait until it has loaded."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.heard.clear()
        self.call("Page.navigate", url=page if isinstance(page, str) else page.absolute().as_uri())
        self.loaded()

    def loaded(self) -> None:
        """Wait until a page has, since `heard` was emptied."""
        while not self.of("Page.loadEventFired"):
            self._hear()

    def tell(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        given = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in given, given
        return given["result"].get("value")

    def click(self, selector: str) -> None:
        """With the mouse, in its middle, where a reader would."""
        self.tell(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        x, y = self.tell(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def of(self, *events: str) -> list[dict[str, Any]]:
        """What was heard of these events."""
        return [told["params"] for told in self.heard if told["method"] in events]

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Ask the browser for something, and wait for what it says."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": given}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while (told := self._hear()).get("id") != self._number:
            pass
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    def _hear(self) -> dict[str, Any]:
        read = bytearray()
        while (byte := self._lines.read(1)) != b"\0":
            assert byte, "the browser is gone"
            read += byte
        told: dict[str, Any] = json.loads(read)
        if "method" in told:
            self.heard.append(told)
        return told


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """It runs without a sandbox, which a container has no room for: open nothing but pages of one's own."""
    assert CHROMIUM, "no chromium is installed: apt-get install chromium"
    (theirs, to), (since, ours) = os.pipe(), os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    options += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    wired = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{ours}', "browser", CHROMIUM, *options]
    with subprocess.Popen(wired, pass_fds=(theirs, ours), stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        os.close(ours)
        try:
            with os.fdopen(since, "rb") as lines:
                yield Browser(to, lines)
        finally:
            os.close(to)  # it ends by itself when nobody speaks to it any more
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
