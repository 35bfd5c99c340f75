"""The whole journey in a real browser, as five people: run, watch, check, submit, sign, audit."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.people import NARROW, WIDE, Person, chromium
from tests.journeys.product import Product, running_product
from validation.scenarios import catalogue

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
]
SPEED = 25
JUNIT = b"""<?xml version="1.0"?>
<testsuites><testsuite name="bot" tests="3" failures="0" errors="0" skipped="0" time="0.3">
<testcase classname="bot.orders" name="test_limit" time="0.1"/>
<testcase classname="bot.orders" name="test_cancel" time="0.1"/>
<testcase classname="bot.data" name="test_quote" time="0.1"/>
</testsuite></testsuites>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("journey"), speed=SPEED) as running:
        yield running


def wait_for_the_first_session(product: Product) -> None:
    sql = "SELECT 1 FROM validation_session WHERE state IN ('MANUAL_CHECKS', 'REPORTING')"
    product.eventually(lambda: product.rows(sql), 120, "the end of the first session")


def start_and_watch(operator: Person) -> str:
    """Start a session and see it end, without loading the page again; return its number."""
    page = operator.page
    status = page.locator("#status")
    expect(status).to_contain_text("Connected", timeout=40_000)
    expect(status).to_contain_text("PAPER")
    expect(status).to_contain_text("SIMULATED")
    operator.picture("dashboard")
    page.get_by_role("link", name="Start a session").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/sessions/prelive_\d{8}_\d{3}/$"))
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_text("Now: MD-04")).to_be_visible(timeout=60_000)
    operator.picture("session-running")
    planned = len(catalogue.load().core())
    passed = page.locator(".stat__value", has_text=f"{planned} / {planned}")
    expect(passed).to_be_visible(timeout=120_000)
    closing = page.locator(".page-header [data-state='MANUAL_CHECKS']")
    expect(closing).to_be_visible(timeout=20_000)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"
    operator.picture("session-ended")
    return number


def upload_the_tests(operator: Person, number: str) -> None:
    """Send a report of the automated tests as a pipeline does: by token."""
    token = operator.product.manage("ci_token").stdout.strip()
    sql = "SELECT code_version FROM validation_session WHERE number = ?"
    ((commit,),) = operator.product.rows(sql, number)
    answer = operator.context.request.post(
        f"{operator.product.address}/api/v1/ci/uploads",
        headers={"Authorization": f"Token {token}"},
        multipart={
            "kind": "TESTS",
            "commit": commit,
            "branch": "main",
            "run_url": "https://ci.example.com/runs/1",
            "file": {"name": "report.xml", "mimeType": "text/xml", "buffer": JUNIT},
        },
    )
    assert answer.status == 201, answer.text()


def acknowledge_the_warnings(operator: Person, number: str) -> None:
    """Say what follows from each warning; no test report was there at the start, for one."""
    page = operator.page
    operator.go(f"/sessions/{number}/")
    said = page.get_by_label("What follows from it")
    while (left := said.count()) > 0:
        said.first.fill("Known on this machine.")
        page.get_by_role("button", name="Acknowledge").first.click()
        expect(said).to_have_count(left - 1)


def close_the_checklist(operator: Person, number: str) -> None:
    """Attest every item that waits for the operator, then write the report's words."""
    page = operator.page
    acknowledge_the_warnings(operator, number)
    operator.go(f"/sessions/{number}/checklist/?show=mine")
    operator.picture("checklist")
    attest = page.get_by_role("button", name="Attest")
    while (left := attest.count()) > 0:
        attest.first.click()
        expect(attest).to_have_count(left - 1)
        if left > 1:
            expect(attest.first).to_be_focused()
    operator.go(f"/sessions/{number}/report/")
    page.get_by_label("Summary").fill("All scenarios passed on the simulated gateway.")
    page.get_by_label("Known issues").fill("none")
    page.get_by_label("Recommendation").fill("Ready for the next milestone.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Ready for the next milestone.").first).to_be_visible()


def submit(operator: Person, number: str) -> str:
    """Submit for sign-off; return the path of the request."""
    operator.go(f"/sessions/{number}/")
    button = operator.page.get_by_role("button", name="Submit for sign-off")
    assert button.count() == 1, operator.page.locator("#signoff-panel").inner_text()
    button.click()
    operator.page.wait_for_url(re.compile(r"/(signoffs|sessions)/"))
    operator.go(f"/sessions/{number}/")
    link = operator.page.get_by_role("link", name="Open the request")
    return str(link.get_attribute("href"))


def sign(person: Person, request: str, picture: str = "") -> None:
    """Review from the inbox, approve, enter the password again."""
    page = person.page
    person.go("/signoffs/")
    page.get_by_role("link", name=re.compile("Review and sign")).click()
    assert page.url.endswith(request)
    expect(page.get_by_text("SIMULATED evidence").first).to_be_visible()
    page.get_by_label("Approve").check()
    page.get_by_label("Your password").fill(person.password)
    if picture:
        person.picture(picture)
    page.get_by_role("button", name="Sign", exact=True).click()
    mine = page.locator("tr", has_text=person.username).or_(page.locator("tr", has_text="Approved"))
    expect(mine.first).to_be_visible()


def column_of_the_task(person: Person) -> str:
    person.go("/board/")
    lane = person.page.locator("section.lane", has=person.page.locator("#task-1\\.1\\.8"))
    return str(lane.get_attribute("aria-label"))


def test_the_whole_journey_as_five_people(product: Product, browser: Browser) -> None:
    wait_for_the_first_session(product)
    operator = Person(browser, product, "olivia")
    number = start_and_watch(operator)
    upload_the_tests(operator, number)
    close_the_checklist(operator, number)
    request = submit(operator, number)
    assert column_of_the_task(operator) == "Awaiting approval"
    operator.go(request)
    expect(operator.page.get_by_role("button", name="Sign", exact=True)).to_have_count(0)

    signers = {name: Person(browser, product, name) for name in ("quentin", "carmen", "petra")}
    signers["petra"].go(request)
    expect(signers["petra"].page.get_by_role("button", name="Sign", exact=True)).to_have_count(0)
    sign(signers["quentin"], request, "signing")
    sign(signers["carmen"], request)
    sign(signers["petra"], request)
    signers["petra"].go(request)
    signers["petra"].picture("signed", whole=True)
    assert column_of_the_task(operator) == "Done"
    operator.picture("board")

    auditor = Person(browser, product, "nadia")
    read_the_ledger(auditor, number)
    for person in (operator, auditor, *signers.values()):
        assert person.complaints == []


def read_the_ledger(auditor: Person, number: str) -> None:
    """Every step stands in the audit log, which offers no way to change it."""
    page = auditor.page
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_text("signoff.approved").first).to_be_visible()
    auditor.picture("audit-log")
    kinds = {
        row[0]
        for row in auditor.product.rows(
            "SELECT DISTINCT kind FROM ledger_entry WHERE body LIKE ?", f"%{number}%"
        )
    }
    assert {"session.started", "signoff.submitted", "signoff.signed", "signoff.approved"} <= kinds
    page.goto(f"{auditor.product.address}/admin/ledger/entry/?q={number}")
    expect(page.get_by_text("signoff.approved").first).to_be_visible()
    expect(page.get_by_role("link", name="Add")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


PAGES = (
    "/", "/sessions/", "/sessions/{}/", "/sessions/{}/checklist/", "/sessions/{}/report/",
    "/sessions/{}/log/", "/sessions/{}/scenarios/OE-01/1/", "/catalogue/", "/board/", "/config/",
    "/config/1/", "/signoffs/", "/kill-switch/", "/ci/", "/help/",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_every_page_fits_and_obeys_the_content_policy(
    product: Product, browser: Browser, width: str, scheme: str
) -> None:
    ((number,),) = product.rows("SELECT number FROM validation_session ORDER BY id LIMIT 1")
    operator = Person(browser, product, "olivia")
    operator.page.set_viewport_size(WIDE if width == "wide" else NARROW)  # type: ignore[arg-type]
    operator.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in PAGES:
        operator.go(path.format(number))
        assert operator.fits(), path
    assert operator.complaints == []


def test_the_same_from_the_command_line(product: Product) -> None:
    done = product.manage("kill_switch", "status")
    assert done.returncode == 0, done.stderr
    assert "ARMED" in done.stdout
    done = product.manage("run_validation", "--scenario", "BC-03", "--speed", "25")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BC-03" in done.stdout


def test_ctrl_c_ends_every_process(product: Product) -> None:
    said = product.stop()
    assert "All processes have ended." in said
    assert product.process.returncode == 0
