"""A person at a real Chromium, who notices every complaint of the browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.product import Product

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
PATIENCE_MS = 30_000  # for what a page is to show; the browser's own limit for all else


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, but never in CI."""
    if not CHROMIUM:
        assert not os.environ.get("CI"), "CI must have a Chromium"
        pytest.skip("no Chromium on this machine")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-dev-shm-usage"], timeout=90_000
        )
        yield browser
        browser.close()


class Person:
    """Somebody who is logged in; `complaints` holds what the browser's console said."""

    def __init__(self, browser: Browser, product: Product, username: str) -> None:
        self.product = product
        self.username = username
        self.password = product.people[username]
        self.context = browser.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        self.page.on(
            "response",
            lambda got: (
                self.complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None
            ),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.log_in()

    def log_in(self) -> None:
        """Enter name and password on the login page."""
        self.go("/login/")
        self.page.get_by_label("User name").or_(self.page.get_by_label("Username")).fill(
            self.username
        )
        self.page.get_by_label("Password").fill(self.password)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", name="Dashboard")).to_be_visible()

    def go(self, path: str) -> None:
        """Open a page of the product."""
        answer = self.page.goto(self.product.address + path)
        assert answer
        assert answer.status < 400, (path, answer.status)

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keep a screenshot where CRUCIBLE_SCREENSHOTS says, if it says."""
        if folder := os.environ.get("CRUCIBLE_SCREENSHOTS"):
            path = Path(folder) / f"{name}.png"
            live = self.page.locator("[data-live-state]")
            if live.count():
                expect(live).to_have_text("Live")
            self.page.screenshot(path=path, full_page=whole)

    def fits(self) -> bool:
        """Whether the page needs no scrolling sideways."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            )
        )
