"""The pages of sessions: start, live page, log, abort, scenario result."""

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Policy, Request
from brokerage.models import Endpoint, KillSwitch
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.pages.conftest import finish
from validation import milestones
from validation.models import (
    AttemptState,
    ConfigRevision,
    Session,
    SessionKind,
    SessionState,
    Task,
)
from validation.views.story import not_passed, steps, tally

pytestmark = pytest.mark.django_db


def test_the_operator_starts_a_session_and_lands_on_its_page(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    answer = operator.post("/sessions/start/", {"endpoint": endpoint.pk})
    session = Session.objects.get()
    assert answer["Location"] == session.get_absolute_url()
    assert session.kind == "FULL"
    assert Entry.objects.filter(kind="session.started", object_id=session.number).exists()


def test_chosen_scenarios_make_a_partial_session(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    operator.post("/sessions/start/", {"endpoint": endpoint.pk, "scenarios": ["BC-01", "MD-01"]})
    assert [one.scenario for one in Session.objects.get().attempts.all()] == ["BC-01", "MD-01"]


@pytest.mark.parametrize(
    "wrong",
    [{"scenarios": "XX-99"}, {"endpoint": "abc"}, {"endpoint": ""}, {"restart_of": "prelive_1"}],
)
def test_a_wrong_start_form_is_shown_again_with_its_error(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision, wrong: dict[str, str]
) -> None:
    page = operator.post("/sessions/start/", {"endpoint": endpoint.pk} | wrong)
    assert page.status_code == 422
    assert "errorlist" in page.content.decode()
    assert not Session.objects.exists()


def test_a_start_that_the_process_refuses_says_why(operator: Client, session: Session) -> None:
    page = operator.post("/sessions/start/", {"endpoint": session.endpoint_id})
    assert page.status_code == 422
    assert f"is taken by {session.number}" in page.content.decode()


def test_no_session_starts_while_the_kill_switch_is_triggered(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    KillSwitch.objects.update(state="TRIGGERED")
    page = operator.post("/sessions/start/", {"endpoint": endpoint.pk}).content.decode()
    assert "The kill switch is not armed" in page


def test_a_viewer_neither_sees_nor_may_use_the_start(
    viewer: Client, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    assert "Starting is not your role" in viewer.get("/sessions/").content.decode()
    assert viewer.post("/sessions/start/", {"endpoint": endpoint.pk}).status_code == 403
    assert not Session.objects.exists()


def test_a_developer_is_told_to_choose_scenarios_and_may_run_them(
    people: People, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    browser = Client()
    browser.force_login(people.ld)
    page = browser.post("/sessions/start/", {"endpoint": endpoint.pk})
    assert page.status_code == 422
    assert "Choose at least one" in page.content.decode()
    browser.post("/sessions/start/", {"endpoint": endpoint.pk, "scenarios": ["BC-01"]})
    assert Session.objects.get().kind == "PARTIAL"


def test_the_list_is_filtered_by_the_server(operator: Client, session: Session) -> None:
    assert session.number in operator.get("/sessions/?state=PREFLIGHT").content.decode()
    page = operator.get("/sessions/?state=APPROVED").content.decode()
    assert session.number not in page
    assert "fits this filter" in page


def test_the_page_shows_checks_orders_and_log_of_the_running_scenario(
    viewer: Client, session: Session
) -> None:
    attempt = session.attempts.get(scenario="OE-01")
    attempt.state = AttemptState.RUNNING
    attempt.save()
    attempt.checks.create(
        position=0, name="Acknowledged <fast>", expected="≤ 5 s", actual="9 s", passed=False
    )
    session.log_lines.create(level="ERROR", source="broker", message="rejected", code=201)
    page = viewer.get(session.get_absolute_url()).content.decode()
    assert "Now: OE-01" in page
    assert "Acknowledged &lt;fast&gt;" in page
    assert 'data-level="ERROR"' in page


def test_a_viewer_sees_no_abort_and_may_not_abort(viewer: Client, session: Session) -> None:
    assert "abort-dialog" not in viewer.get(session.get_absolute_url()).content.decode()
    answer = viewer.post(f"/sessions/{session.number}/abort/", {"reason": "because I can"})
    assert answer.status_code == 403
    session.refresh_from_db()
    assert session.state == SessionState.PREFLIGHT


def test_an_abort_needs_a_reason(operator: Client, session: Session) -> None:
    page = operator.post(f"/sessions/{session.number}/abort/", {"reason": " "}, follow=True)
    assert "This field is required" in page.content.decode()
    session.refresh_from_db()
    assert session.state == SessionState.PREFLIGHT


def test_an_aborted_session_says_what_happened_and_what_to_do(
    operator: Client, session: Session
) -> None:
    path = f"/sessions/{session.number}/abort/"
    page = operator.post(path, {"reason": "host restarts"}, follow=True).content.decode()
    assert "This session was aborted" in page
    assert "host restarts. Start a new session when ready." in page
    assert "blocking open" not in page
    assert f"/sessions/?restart_of={session.number}#start" in page


def test_a_halted_session_leads_to_the_kill_switch_until_it_is_reset(
    viewer: Client, session: Session
) -> None:
    session.state = SessionState.HALTED
    session.save()
    KillSwitch.objects.update(state="TRIGGERED")
    assert "Reset the kill switch first" in viewer.get(session.get_absolute_url()).content.decode()
    KillSwitch.objects.update(state="ARMED")
    page = viewer.get(session.get_absolute_url()).content.decode()
    assert "Start a new session from it" in page


def test_a_session_that_came_back_from_its_sign_off_says_why(
    viewer: Client, ended: Session, people: People
) -> None:
    Request.objects.create(
        policy=Policy.objects.first(), subject=ended.number, version=1, state="VOIDED",
        submitted_at=timezone.now(),
        manifest_text="{}", digest="0" * 64, submitted_by=people.op, due_at=timezone.now(),
        closed_reason="Changed since it was submitted: checklist 1.1.7 (state)",
    )  # fmt: skip
    for path in (ended.get_absolute_url(), f"/sessions/{ended.number}/checklist/"):
        page = viewer.get(path).content.decode()
        assert "Every signature is void" in page
        assert "Changed since it was submitted: checklist 1.1.7 (state)." in page


def test_an_interrupted_session_tells_its_three_sentences(viewer: Client, session: Session) -> None:
    session.state = SessionState.INTERRUPTED
    session.outcome_reason = "It was interrupted. The worker died. Start a new one."
    session.save()
    page = viewer.get(session.get_absolute_url()).content.decode()
    assert "The worker was lost: this session was interrupted" in page
    assert session.outcome_reason in page


def test_only_what_did_not_pass_runs_again(operator: Client, session: Session) -> None:
    ended = finish(session, failed=("MD-02",))
    operator.post(f"/sessions/{ended.number}/rerun/")
    again = ended.attempts.filter(number=2)
    assert [attempt.scenario for attempt in again] == ["MD-02"]


def test_the_log_is_filtered_and_paged_by_the_server(viewer: Client, session: Session) -> None:
    for n in range(201):
        session.log_lines.create(source="runner", message=f"line {n:03d}")
    session.log_lines.create(source="broker", level="ERROR", message="a fault", planned=True)
    path = f"/sessions/{session.number}/log/"
    assert "line 200" not in viewer.get(path).content.decode()
    assert "line 200" in viewer.get(f"{path}?page=2").content.decode()
    assert "line 000" not in viewer.get(f"{path}?level=ERROR").content.decode()
    assert "a fault" not in viewer.get(f"{path}?level=ERROR&planned=no").content.decode()
    assert "line 007" in viewer.get(f"{path}?text=LINE+007").content.decode()


def test_a_pass_on_retry_is_amber_and_never_green(viewer: Client, session: Session) -> None:
    ended = finish(session)
    before = tally(ended.attempts.all(), ended.planned)
    again = ended.attempts.get(scenario="MD-02")
    again.pk, again.number = None, 2
    again.save()
    after = tally(ended.attempts.all(), ended.planned)
    assert (before.tone, after.tone, after.retried) == ("ok", "warn", 1)
    page = viewer.get(ended.get_absolute_url()).content.decode()
    assert 'badge--warn" data-state="PASSED_ON_RETRY"' in page
    assert "1 on retry" in page
    assert "Passed on retry" in viewer.get(again.get_absolute_url()).content.decode()


def test_a_scenario_result_shows_its_attempts_and_what_it_is_for(
    viewer: Client, ended: Session
) -> None:
    page = viewer.get(f"/sessions/{ended.number}/scenarios/BC-01/1/").content.decode()
    assert "What it shows" in page
    assert "Attempt 1" in page
    assert "connect" in page


def test_skipped_and_aborted_scenarios_count_neither_as_passed_nor_as_failed(
    session: Session,
) -> None:
    states = dict.fromkeys(("BC-01", "BC-03"), "SKIPPED") | {"BC-04": "ABORTED", "MD-01": "PASSED"}
    attempts = list(session.attempts.all())
    for attempt in attempts:
        attempt.state = states.get(attempt.scenario, "FAILED")
    counted = tally(attempts, len(attempts))
    assert (counted.passed, counted.skipped, counted.failed) == (1, 2, len(attempts) - 4)
    assert counted.ended == len(attempts) - 1
    assert "BC-01" in not_passed(attempts)
    assert "MD-01" not in not_passed(attempts)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("DRAFT", "now todo todo todo todo todo todo"),
        ("PREFLIGHT", "now todo todo todo todo todo todo"),
        ("READY", "now todo todo todo todo todo todo"),
        ("PAUSED", "done now todo todo todo todo todo"),
        ("CLEANUP", "done done now todo todo todo todo"),
        ("AWAITING_APPROVAL", "done done done done done now todo"),
        ("APPROVED", "done done done done done done done"),
        ("SUPERSEDED", "done done done done done done done"),
        ("REJECTED", "done done done done done bad todo"),
        ("BLOCKED", "done bad todo todo todo todo todo"),
    ],
)
def test_the_stepper_follows_the_state(ended: Session, state: str, shown: str) -> None:
    ended.state = SessionState(state)
    counted = tally(ended.attempts.all(), ended.planned)
    assert " ".join(step.state for step in steps(ended, counted, [])) == shown


def test_what_nobody_signs_has_no_step_of_signing(ended: Session) -> None:
    ended.kind = SessionKind.OBSERVE
    shown = [step.title for step in steps(ended, tally([], 1), [])]
    assert shown == ["Preflight", "Scenarios", "Clean-up", "Report"]
    ended.kind = SessionKind.IMPORTED
    assert [step.title for step in steps(ended, tally([], 1), [])] == ["Scenarios", "Report"]


def test_an_approved_session_is_at_its_transition_until_every_step_of_it_is_done(
    ended: Session,
) -> None:
    ended.state = SessionState.APPROVED
    counted = tally(ended.attempts.all(), ended.planned)
    task = milestones.open_transition(ended)
    assert steps(ended, counted, [])[-1][:2] == ("Transition", "now")
    Task.objects.filter(pk=task.pk).update(column="DONE")
    assert steps(ended, counted, [])[-1][:2] == ("Transition", "done")


def test_the_stepper_of_a_full_session_names_target_times(viewer: Client, session: Session) -> None:
    page = viewer.get(session.get_absolute_url()).content.decode()
    assert page.count("stepper__target") == 5
    assert "target 30–60 min" in page
    Session.objects.update(kind="PARTIAL")
    assert "stepper__target" not in viewer.get(session.get_absolute_url()).content.decode()


def test_a_session_page_asks_the_database_a_bounded_number_of_times(
    operator: Client,
    ended: Session,
    people: People,
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    path = ended.get_absolute_url()
    with django_assert_max_num_queries(49):  # type: ignore[operator]
        operator.get(path, headers={"HX-Request": "true"})


def test_a_session_that_ran_leads_to_its_comparison(viewer: Client, session: Session) -> None:
    link = f'href="/sessions/{session.number}/compare/"'
    assert link not in viewer.get(session.get_absolute_url()).content.decode()
    Session.objects.update(started_at=timezone.now())
    assert link in viewer.get(session.get_absolute_url()).content.decode()
    assert viewer.get(f"/sessions/{session.number}/compare/").status_code == 200
