"""Differences to the broker on pages: found, proposed, decided on by a second person."""

import pytest
from django.test import Client

from brokerage.models import Correction, ReconciliationDiff, ReconciliationRun
from crucible.alerts.raising import raise_alert
from crucible.ledger.models import Entry
from tests.conftest import People
from validation.models import Session

pytestmark = pytest.mark.django_db
WHY = "Sold by hand in TWS at 10:12, order 4711."


@pytest.fixture
def diff(ended: Session) -> ReconciliationDiff:
    run = ReconciliationRun.objects.create(
        endpoint=ended.endpoint, scope=ended.number, occasion="END", state="DIFFS"
    )
    return ReconciliationDiff.objects.create(
        run=run, endpoint=ended.endpoint, scope=f"{ended.number}/RS-08", kind="PHANTOM",
        subject="position SPY", con_id=756, gap=-1.0, own="1 <b>", broker="0",
    )  # fmt: skip


def browser(people: People, code: str) -> Client:
    client = Client()
    client.force_login(people[code])
    return client


def act(client: Client, diff: ReconciliationDiff, step: str, **form: str) -> int:
    if step == "approve":
        diff.refresh_from_db()
        form.setdefault("seen", diff.proposed_at.isoformat() if diff.proposed_at else "")
    return client.post(f"/differences/{diff.pk}/{step}/", form).status_code


def page(client: Client, diff: ReconciliationDiff) -> str:
    return client.get(f"/differences/{diff.pk}/").content.decode()


def compared(session: Session, state: str, error: str = "") -> None:
    ReconciliationRun.objects.create(
        endpoint=session.endpoint, scope=session.number, occasion="END", state=state, error=error
    )


def test_an_empty_list_never_says_that_all_is_well(viewer: Client, ended: Session) -> None:
    assert "Nothing was compared yet" in viewer.get("/differences/").content.decode()
    compared(ended, "ERROR", "no line")
    body = viewer.get("/differences/").content.decode()
    assert "Nothing was compared yet" in body
    assert "The broker could not be read: no line" in body


def test_an_empty_list_tells_how_often_and_how_well_was_compared(
    viewer: Client, ended: Session
) -> None:
    compared(ended, "CLEAN")
    assert "No difference was ever found" in viewer.get("/differences/").content.decode()
    compared(ended, "ERROR", "no line")
    body = viewer.get("/differences/").content.decode()
    assert "The last one could not be made: no line" in body


def test_the_list_leads_to_each_and_is_narrowed(viewer: Client, diff: ReconciliationDiff) -> None:
    body = viewer.get("/differences/").content.decode()
    assert "1 difference is open" in body
    assert "1 &lt;b&gt;" in body
    assert f'href="/differences/{diff.pk}/"' in body
    settled = viewer.get("/differences/?state=settled").content.decode()
    assert "No difference fits this filter" in settled
    assert viewer.get("/differences/?state=nonsense").status_code == 400
    assert viewer.get("/differences/?session=prelive_19990101_001").status_code == 404


def test_what_waits_for_a_decision_comes_first(operator: Client, diff: ReconciliationDiff) -> None:
    other = ReconciliationDiff.objects.create(
        run=diff.run, endpoint=diff.endpoint, scope="other", kind="CASH", subject="cash"
    )
    act(operator, diff, "propose", text=WHY)
    rows = operator.get("/differences/").context["rows"]
    assert [row["diff"].pk for row in rows] == [diff.pk, other.pk]


@pytest.mark.parametrize("path", ["/sessions/{number}/", "/differences/?session={number}"])
def test_its_session_shows_it(
    viewer: Client, ended: Session, diff: ReconciliationDiff, path: str
) -> None:
    body = viewer.get(path.format(number=ended.number)).content.decode()
    assert f'href="/differences/{diff.pk}/"' in body
    assert "position SPY" in body


def test_its_alert_leads_to_the_differences(viewer: Client, diff: ReconciliationDiff) -> None:
    raise_alert("reconciliation", "1 difference", "", severity="CRITICAL", ref=diff.scope)
    assert "See and settle the differences" in viewer.get("/").content.decode()


def test_one_proposes_and_another_one_settles(people: People, diff: ReconciliationDiff) -> None:
    operator, lead = browser(people, "qs"), browser(people, "qa")
    assert act(operator, diff, "propose", text=WHY, row="on") == 302
    assert "Approve and settle" not in page(operator, diff)
    assert "Approve and settle" in page(lead, diff)
    assert act(lead, diff, "approve") == 302
    diff.refresh_from_db()
    assert (diff.state, diff.explanation, diff.settled_by) == ("EXPLAINED", WHY, "qa")
    assert Correction.objects.get().quantity == -1.0
    assert "Approved" in page(operator, diff)


def test_nobody_approves_another_proposal_than_the_one_that_was_read(
    people: People, diff: ReconciliationDiff
) -> None:
    act(browser(people, "op"), diff, "propose", text=WHY)
    diff.refresh_from_db()
    assert diff.proposed_at is not None
    read = diff.proposed_at.isoformat()
    act(browser(people, "qs"), diff, "propose", text="It was the other bot.")
    assert act(browser(people, "qa"), diff, "approve", seen=read) == 302
    diff.refresh_from_db()
    assert diff.state == "OPEN"
    assert act(browser(people, "qa"), diff, "approve", seen="yesterday") == 400


def test_open_ones_come_first_on_the_page_of_their_session(
    viewer: Client, ended: Session, diff: ReconciliationDiff
) -> None:
    diff.settle("RESOLVED", "Gone.", "reconciliation")
    late = ReconciliationDiff.objects.create(run=diff.run, scope=ended.number, kind="CASH")
    shown = viewer.get(ended.get_absolute_url()).context["differences"]
    assert [one.pk for one in shown] == [late.pk, diff.pk]


def test_a_refused_proposal_stays_to_be_read(people: People, diff: ReconciliationDiff) -> None:
    act(browser(people, "op"), diff, "propose", text=WHY)
    assert act(browser(people, "cro"), diff, "refuse", why="There is no order 4711.") == 302
    diff.refresh_from_db()
    assert (diff.state, diff.proposal) == ("OPEN", "")
    body = page(browser(people, "vw"), diff)
    assert WHY in body
    assert "There is no order 4711." in body


def test_one_difference_does_not_tell_another_ones_story(
    people: People, diff: ReconciliationDiff
) -> None:
    act(browser(people, "op"), diff, "propose", text=WHY)
    other = ReconciliationDiff.objects.create(run=diff.run, scope=diff.scope, kind="CASH")
    assert WHY not in page(browser(people, "vw"), other)


@pytest.mark.parametrize(
    ("code", "step", "form", "status"),
    [
        ("vw", "propose", {"text": WHY}, 403),
        ("qa", "propose", {"text": WHY}, 403),
        ("op", "propose", {"text": "dunno"}, 400),
        ("op", "approve", {}, 403),
        ("op", "refuse", {"why": "It was not me."}, 403),
        ("qa", "refuse", {"why": ""}, 400),
    ],
)
def test_what_is_not_permitted_is_refused_and_changes_nothing(
    people: People,
    diff: ReconciliationDiff,
    code: str,
    step: str,
    form: dict[str, str],
    status: int,
) -> None:
    act(browser(people, "qs"), diff, "propose", text="It was the other bot.")
    assert act(browser(people, code), diff, step, **form) == status
    diff.refresh_from_db()
    assert (diff.state, diff.proposal) == ("OPEN", "It was the other bot.")


def test_the_proposer_decides_on_nothing_whatever_the_roles(
    people: People, diff: ReconciliationDiff
) -> None:
    people.qs.groups.add(*people.qa.groups.all())
    both = browser(people, "qs")
    act(both, diff, "propose", text=WHY)
    body = page(both, diff)
    assert "Who proposed it can&#x27;t decide on it." in body
    assert "Approve and settle" not in body
    assert act(both, diff, "approve") == 403


def test_who_started_the_session_does_not_decide(people: People, diff: ReconciliationDiff) -> None:
    people.op.groups.add(*people.qa.groups.all())
    act(browser(people, "qs"), diff, "propose", text=WHY)
    assert "you started the session" in page(browser(people, "op"), diff)
    assert act(browser(people, "op"), diff, "approve") == 403


def test_what_is_settled_can_only_be_read(people: People, diff: ReconciliationDiff) -> None:
    act(browser(people, "op"), diff, "propose", text=WHY)
    act(browser(people, "qa"), diff, "approve")
    assert "Propose how it is settled" not in page(browser(people, "op"), diff)
    again = browser(people, "op").post(
        f"/differences/{diff.pk}/propose/", {"text": WHY}, follow=True
    )
    assert "This difference is explained already." in again.content.decode()
    assert Entry.objects.filter(kind="correction.proposed").count() == 1


def test_only_what_has_a_contract_is_offered_a_row(
    people: People, diff: ReconciliationDiff
) -> None:
    operator = browser(people, "op")
    assert "Take the broker" in page(operator, diff)
    cash = ReconciliationDiff.objects.create(run=diff.run, scope=diff.scope, kind="CASH", gap=-5)
    assert "Take the broker" not in page(operator, cash)
