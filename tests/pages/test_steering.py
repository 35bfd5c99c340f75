"""The session page's preflight, its steps by hand, and its warnings."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from brokerage.models import Endpoint
from tests.conftest import People
from tests.validation.conftest import accept_metrics
from validation.models import (
    Acknowledgement,
    HealthAttestation,
    Session,
    SessionState,
    Task,
    Upload,
    Verdict,
)
from validation.preflight import process
from validation.preflight.judging import Judgement

pytestmark = pytest.mark.django_db
S = SessionState


def found(code: str, verdict: Verdict, *, holds_up: bool = False) -> Judgement:
    """One finding."""
    return Judgement(
        code, "Gateway", f"Check {code}", "as it must be", f"Seen {code} <i>", verdict, holds_up,
        "" if verdict == Verdict.PASS else f"Mend {code}.",
    )  # fmt: skip


def checked(session: Session, *findings: Judgement, state: str = "DRAFT") -> Session:
    """Give a session a preflight of these findings, and this state."""
    process.store(session, list(findings), timezone.now())
    session.state, session.wanted = state, False
    session.save()
    return session


def page_of(client: Client, session: Session) -> str:
    return client.get(session.get_absolute_url()).content.decode()


def steer(client: Client, session: Session, step: str, **data: Any) -> str:
    answer = client.post(f"{session.get_absolute_url()}{step}/", data, follow=True)
    session.refresh_from_db()
    return answer.content.decode()


def test_a_blocked_preflight_lists_every_finding_with_its_remedy(
    operator: Client, session: Session
) -> None:
    checked(
        session, found("HP-01", Verdict.BLOCK, holds_up=True), found("HP-05", Verdict.WARN),
        found("HP-20B", Verdict.UNKNOWN), found("HP-08", Verdict.PASS),
    )  # fmt: skip
    page = page_of(operator, session)
    for words in ("In the way: HP-01", "Mend HP-01.", "Mend HP-05.", "Mend HP-20B.", "Unknown"):
        assert words in page
    assert "Seen HP-08 &lt;i&gt;" in page
    assert page.index("Mend HP-01.") < page.index("Mend HP-05.")


def test_a_draft_is_checked_again_and_runs(operator: Client, session: Session) -> None:
    checked(session, found("HP-01", Verdict.BLOCK, holds_up=True))
    assert "Check again and run" in page_of(operator, session)
    steer(operator, session, "preflight", run="on")
    assert (session.state, session.wanted) == (S.PREFLIGHT, True)


def test_a_session_that_is_ready_runs_by_hand(operator: Client, session: Session) -> None:
    checked(session, found("HP-01", Verdict.PASS), state="READY")
    assert ">Run</button>" in page_of(operator, session)
    steer(operator, session, "run")
    assert (session.state, session.wanted) == (S.READY, True)


def test_a_start_may_be_the_preflight_alone(
    operator: Client, endpoint: Endpoint, revision: Any
) -> None:
    operator.post(
        "/sessions/start/", {"endpoint": endpoint.pk, "preflight_only": "on", "kind": "DRILL"}
    )
    session = Session.objects.get()
    assert (session.kind, session.state, session.wanted) == ("DRILL", S.PREFLIGHT, False)


def test_a_running_session_is_paused_with_a_reason(operator: Client, session: Session) -> None:
    checked(session, state="RUNNING")
    assert "pause-dialog" in page_of(operator, session)
    assert "Pause requested" in steer(operator, session, "pause", reason="lunch break")
    assert session.pause_reason == "lunch break"


def test_a_paused_session_is_resumed(operator: Client, session: Session) -> None:
    checked(session, state="PAUSED")
    Session.objects.update(paused_at=timezone.now())
    assert ">Resume</button>" in page_of(operator, session)
    steer(operator, session, "resume")
    assert session.wanted


@pytest.mark.parametrize("step", ["preflight", "run", "pause", "resume", "warnings"])
def test_a_viewer_sees_no_step_and_may_take_none(
    client: Client, people: People, session: Session, step: str
) -> None:
    checked(session, found("HP-05", Verdict.WARN), state="RUNNING")
    client.force_login(people.vw)
    assert "pause-dialog" not in page_of(client, session)
    answer = client.post(
        f"{session.get_absolute_url()}{step}/", {"reason": "lunch", "text": "fine"}
    )
    assert answer.status_code == 403


def test_a_step_out_of_place_is_told(operator: Client, session: Session) -> None:
    assert "only a paused one is resumed" in steer(operator, session, "resume")
    assert "not Ready" in steer(operator, session, "run")


def test_what_no_machine_measures_is_attested(operator: Client, session: Session) -> None:
    checked(session, found("HP-14", Verdict.ATTEST))
    assert "What you have seen" in page_of(operator, session)
    steer(operator, session, "preflight/HP-14", text="VIX at 17")
    assert HealthAttestation.objects.get().text == "VIX at 17"


def test_warnings_are_acknowledged_one_by_one_or_all(
    operator: Client, ended: Session, people: People
) -> None:
    checked(
        ended, found("HP-05", Verdict.WARN), found("HP-22", Verdict.WARN), state="MANUAL_CHECKS"
    )
    accept_metrics(ended, people.op)
    accepted = Acknowledgement.objects.count()
    page = page_of(operator, ended)
    assert "One word for all 2" in page
    key = page.split('name="warning" value="')[1].split('"')[0]
    steer(operator, ended, "warnings", warning=key, text="known load")
    assert Acknowledgement.objects.count() == accepted + 1
    assert "known load" in steer(operator, ended, "warnings", text="and the rest")
    assert Acknowledgement.objects.count() == accepted + 2


def test_a_metric_is_acknowledged_up_to_a_day(operator: Client, ended: Session) -> None:
    page = page_of(operator, ended)
    day = page.split('name="expires_on" value="')[1].split('"')[0]
    assert "Say up to which day" in steer(operator, ended, "warnings", text="one gateway only")
    done = steer(operator, ended, "warnings", text="one gateway only", expires_on=day)
    assert f"up to {day}" in done
    assert {f"{one.expires_on}" for one in Acknowledgement.objects.all()} == {day}


def test_a_follow_up_shows_its_due_date_on_the_board(operator: Client, session: Session) -> None:
    task = Task.objects.create(code="F-001", title="Find it", due_on=timezone.now().date())
    Session.objects.update(follow_up=task, state="BLOCKED")
    page = operator.get("/board/").content.decode()
    assert f"due {task.due_on:%Y-%m-%d}" in page
    assert session.number in page


def test_a_report_becomes_an_imported_session(
    operator: Client, people: People, endpoint: Endpoint, revision: Any
) -> None:
    xml = '<testsuite><testcase name="BC-01" classname="x" time="1"/></testsuite>'
    upload = Upload.objects.create(
        commit="abc", branch="main", run_url="https://ci.example.com/1", content=xml, sha256="x",
        tests=1, failures=0, errors=0, skipped=0, uploaded_by=people.ld,
    )  # fmt: skip
    assert "Show as a session" in operator.get(f"/ci/{upload.pk}/").content.decode()
    page = operator.post(f"/ci/{upload.pk}/session/", follow=True).content.decode()
    assert "Imported" in page
    assert "Only a full session can be signed" in page


def test_the_qa_lead_alone_is_offered_to_waive_the_hours(
    people: People, operator: Client, session: Session
) -> None:
    checked(session, found("HP-07", Verdict.BLOCK, holds_up=True))
    lead = Client()
    lead.force_login(people.qa)
    assert "Waive the hours" not in page_of(operator, session)
    assert "Waive the hours" in page_of(lead, session)
    page = steer(lead, session, "hours", reason="Only to see the closed market.")
    assert "Not approvable: its regular hours are waived" in page
    assert "Waive the hours" not in page
    assert session.hours_waived_by == people.qa


def test_rest_says_by_whom_the_hours_were_waived(people: People, session: Session) -> None:
    checked(session)
    lead = Client()
    lead.force_login(people.qa)
    url = f"/api/v1/sessions/{session.number}/hours"
    told = lead.post(url, {"reason": "Only to see the closed market."}).json()
    assert (told["hours_waived_by"], told["approvable"]) == (people.qa.username, False)
