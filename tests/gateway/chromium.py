"""A real Chromium, and the page of a gateway opened in it."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", *_QUIET)
_READ_LIMIT_MS = 60_000
_REFUSED = "Failed to load resource: the server responded with a status of"  # what a browser says of an error answered


@contextmanager
def chromium():
    """The system's Chromium, or the one that Playwright has installed."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        path = own if Path(own).exists() else system
        if path is None:
            pytest.fail("no Chromium: install Debian's package chromium, or run `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


class OpenedPage:
    """The page in a window of its own, and what the browser had to say of it."""

    def __init__(self, context, url: str, *, is_refused: bool) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._note(message, is_refused))
        self.page.goto(url)
        expect(self.page.locator("html")).to_have_attribute("data-state", "welcome")

    def _note(self, message, is_refused):
        if message.type in ("error", "warning") and not (is_refused and message.text.startswith(_REFUSED)):
            self.complaints.append(message.text)

    def check(self):
        """Nothing went wrong in the browser, and nobody but the gateway was asked."""
        assert self.complaints == []
        others = [line for line in self.requests if not re.match(rf"(GET|POST) ({self.url}/|blob:{self.url}/)", line)]
        assert others == []

    def choose(self, *files):
        """Choose files, as paths or as Playwright's dicts of name, mimeType and buffer."""
        self.page.set_input_files("#choose", list(files))

    def read(self, *files):
        """Choose files, and wait until the first of them is read."""
        self.choose(*files)
        self.until_read()

    def until_read(self):
        expect(self.page.locator("#times")).to_be_visible(timeout=_READ_LIMIT_MS)
        expect(self.page.locator("#sheet img")).to_be_visible()

    def lines(self):
        return self.page.locator(".line-text").all_text_contents()

    def boxes(self, kind="line"):
        """Points of the polygons, in the order of the lines or words."""
        texts = self.page.locator(f"#sheet polygon.{kind}").evaluate_all(
            "all => all.map(one => one.getAttribute('points'))"
        )
        return [[[float(number) for number in corner.split(",")] for corner in text.split()] for text in texts]

    def asked(self, path):
        """Parameters of each request to an address, as a list of dicts."""
        found = [line for line in self.requests if line.startswith(f"POST {self.url}/{path}?")]
        return [dict(pair.split("=", 1) for pair in line.partition("?")[2].split("&")) for line in found]

    def width_scrolled(self):
        """CSS pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
