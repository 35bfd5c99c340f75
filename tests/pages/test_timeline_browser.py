"""A range of time, chosen with the mouse and by keyboard, in a real browser."""

import os
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.journeys.people import NARROW, WIDE
from tests.pages.browsing import browser, no_complaints, opened
from tests.pages.busy import busy
from validation.models import Session

__all__ = ["browser", "no_complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def address(session: Session, live_server: LiveServer) -> str:
    """Where a session of 200 orders and 2,000 lines over 600 seconds is shown."""
    busy(session, orders=200, lines=2000, seconds=600)
    return f"{live_server.url}{session.get_absolute_url()}"


def drag(page: Page, first: float, last: float) -> None:
    """Drag over the orders from one share of the axis to another."""
    plot = page.locator("[data-plot]").nth(3)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * first, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (first + last) / 2, box["y"] + 5)
    page.mouse.move(box["x"] + box["width"] * last, box["y"] + 6)
    expect(page.locator(".brush").first).to_be_visible()
    page.mouse.up()


def numbers(page: Page) -> dict[str, int]:
    """How many orders, errors, checks and log lines the page says it shows."""
    found = {}
    for part in ("orders", "errors", "checks", "log"):
        text = page.locator(f"#{part} .card__head .muted").first.inner_text()
        found[part] = int(text.split()[0].replace(",", ""))
    return found


def test_dragging_over_a_chart_filters_orders_errors_checks_and_log(
    browser: Browser, viewer: Client, address: str
) -> None:
    page = opened(browser, viewer, address)
    whole = numbers(page)
    assert (whole["orders"], whole["errors"]) == (200, 200)
    drag(page, 0.25, 0.5)
    expect(page.get_by_text("Orders, checks, errors and log from second")).to_be_visible()
    part = numbers(page)
    assert 49 <= part["orders"] <= 53
    assert 48 <= part["errors"] <= 52
    assert 0 < part["checks"] < whole["checks"]
    assert 495 <= part["log"] <= 525
    assert page.locator(".chosen").count() >= 5


def test_the_chosen_range_is_a_link_that_can_be_shared(
    browser: Browser, viewer: Client, address: str
) -> None:
    page = opened(browser, viewer, address)
    drag(page, 0.6, 0.7)
    page.wait_for_url("**from=*to=*")
    shared, seen = page.url, numbers(page)
    again = opened(browser, viewer, shared)
    assert numbers(again) == seen
    page.evaluate("void setTimeout(() => history.back(), 100)")
    expect(page.locator("#orders .muted").first).to_have_text("200")


def test_numbers_do_by_keyboard_what_dragging_does(
    browser: Browser, viewer: Client, address: str
) -> None:
    page = opened(browser, viewer, address)
    page.get_by_label("From (s)").fill("150")
    page.get_by_label("To (s)").fill("300")
    page.keyboard.press("Enter")
    expect(page.locator("#orders .muted").first).to_contain_text("in the range")
    assert 49 <= numbers(page)["orders"] <= 52


def test_without_a_script_the_form_filters_and_charts_are_drawn(
    browser: Browser, viewer: Client, address: str
) -> None:
    page = opened(browser, viewer, address, java_script_enabled=False)
    page.get_by_label("From (s)").fill("0")
    page.get_by_label("To (s)").fill("60")
    page.get_by_role("button", name="Show").click()
    assert numbers(page)["orders"] == 21
    assert page.locator("svg .bar").count() > 10


def test_the_page_fits_every_screen_in_both_themes(
    browser: Browser, viewer: Client, address: str
) -> None:
    page = opened(browser, viewer, f"{address}?from=120&to=260")
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    for size in (WIDE, NARROW):
        for theme in ("light", "dark"):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=theme)
            assert page.evaluate(wide), (size, theme)
            if folder := os.environ.get("CRUCIBLE_SCREENSHOTS"):
                name = f"timeline-{size['width']}-{theme}.png"
                page.screenshot(path=Path(folder) / name, full_page=True, style="")
