"""Attesting item after item by keyboard in a real browser, while the page renews itself."""

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.pages.browsing import browser, no_complaints, opened
from validation.models import Session

__all__ = ["browser", "no_complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RENEW = "() => htmx.trigger(document.getElementById('checklist'), 'refresh')"
WATCH = """(id) => {
  window.back = false;
  const list = document.getElementById('checklist');
  const look = () => { if (document.getElementById(id)) window.back = true; };
  new MutationObserver(look).observe(list, { childList: true, subtree: true });
}"""


@pytest.fixture
def page(browser: Browser, operator: Client, ended: Session, live_server: LiveServer) -> Page:
    return opened(
        browser, operator, f"{live_server.url}/sessions/{ended.number}/checklist/?show=mine"
    )


def renews(request: Request) -> bool:
    return request.method == "GET" and "hx-request" in request.headers


def late_answer(page: Page) -> Route:
    """Let the page ask anew, and keep the answer back."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if not held and renews(route.request):
            held.append(route)
        else:
            route.continue_()

    page.route("**/checklist/**", hold)
    page.evaluate(RENEW)
    while not held:
        page.wait_for_timeout(10)
    return held[0]


def test_the_next_item_has_the_focus_after_each(page: Page) -> None:
    attest = page.get_by_role("button", name="Attest")
    open_items = attest.count()
    attest.first.focus()
    for done in (1, 2, 3):
        page.keyboard.press("Enter")
        expect(attest).to_have_count(open_items - done)
        expect(attest.first).to_be_focused()


def test_a_late_answer_from_before_brings_nothing_back(page: Page) -> None:
    attest = page.get_by_role("button", name="Attest")
    late, item = late_answer(page), attest.first.evaluate("button => button.closest('li').id")
    before = late.fetch()
    attest.first.press("Enter")
    expect(page.locator(f'[id="{item}"]')).to_have_count(0)
    page.evaluate(WATCH, item)
    with page.expect_request(renews):
        late.fulfill(response=before)
    with page.expect_response(lambda answer: renews(answer.request)):
        page.evaluate(RENEW)
    assert not page.evaluate("window.back")
    expect(attest.first).to_be_focused()
