"""A page of the product in a real Chromium, logged in, whose complaints fail the test."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.journeys.people import WIDE, chromium

complaints: list[str] = []


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A headless Chromium."""
    # The browser's driver keeps an event loop in this thread, while the test uses the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as found:
        yield found


@pytest.fixture(autouse=True)
def no_complaints() -> Iterator[None]:
    """Fail the test when the browser's console complained."""
    complaints.clear()
    yield
    assert not complaints, complaints


def opened(browser: Browser, viewer: Client, address: str, **options: Any) -> Page:
    """Open a page of the live server as the person who is logged in with the client."""
    context = browser.new_context(**{"viewport": WIDE, "color_scheme": "light"} | options)
    cookie = viewer.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": urljoin(address, "/")}])
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _bad(said) else None)
    page.goto(address)
    return page


def _bad(said: ConsoleMessage) -> bool:
    # The server of these tests has no stream of events: the page then asks every few seconds.
    return said.type == "error" and "EventSource" not in said.text
