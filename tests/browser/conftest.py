"""The dashboard of a real hub in Debian's Chromium, driven by Playwright."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.hub_process import HubProcess
from tests.support.tools import require_tool

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
EXPECTED = ("Failed to load resource", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED")
"""What Chromium itself says of calls that the hub refuses, or does not answer."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module; each has a context of its own.

    Not for all: while it lives, Playwright runs an event loop, and other tests run theirs.
    """
    program = require_tool("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, hub: HubProcess) -> Iterator[Callable[..., Page]]:
    """Open the dashboard of the test's hub; what the page complains of fails the test at its end."""
    complaints: list[str] = []
    contexts = []

    def open_it(*, width: int = 1280, height: int = 800, path: str = "/", **how: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.extend([said.text] if said.type == "error" else []))
        page.goto(f"{hub.url}{path}")
        page.wait_for_selector('#state:is([data-state="live"], [data-state="past"], [data-state="damaged"])')
        return page

    yield open_it
    for context in contexts:
        context.close()
    ours = [text for text in complaints if not any(known in text for known in EXPECTED)]
    assert ours == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """The dashboard, wide and light."""
    return open_page()
