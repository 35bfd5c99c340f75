"""Warnings are acknowledged by a person before the submission, each with a word."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokerage.models import Endpoint
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, accept_metrics, passes, run, well_gateway, well_host
from validation import acknowledging, evidence, sessions
from validation.facts import Facts
from validation.host_load import HostLoad
from validation.models import Acknowledgement, HealthAttestation, Session, Verdict
from validation.scenarios.trial import Trial
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db
E = evidence.load()


def warns(trial: Trial) -> None:
    """A scenario that passes with a warning."""
    trial.check("two is two", 2, 2)
    trial.check("spread", "tight", "wide", required=False)


@pytest.fixture
def warned(toys: Toys, seeded: Endpoint, operator: User) -> Session:
    """A session with a warning of a scenario and one of its preflight, its metrics accepted."""
    toys.host = well_host(load=HostLoad(0.9, 0.2))
    toys.add("BC-01", warns)
    toys.add("RS-01", passes)
    session = run(sessions.start(operator))
    accept_metrics(session, operator)
    return session


def left(session: Session) -> list[str]:
    return [one.title for one in Facts(session).open_warnings]


def test_warnings_are_those_of_scenarios_and_of_the_last_preflight(warned: Session) -> None:
    assert left(warned) == ["BC-01 spread", "HP-12 Processor and memory to spare"]
    assert "2 warnings are not acknowledged yet." in E.blockers(warned.number)
    item = warned.checklist.items.get(code="1.2.27")
    metrics = Acknowledgement.objects.count()
    assert metrics > 5
    assert (item.state, item.finding) == ("OPEN", f"{metrics + 2} warnings, 2 to acknowledge")


def test_each_is_acknowledged_with_person_time_and_word(warned: Session, operator: User) -> None:
    key = Facts(warned).open_warnings[0].key
    acknowledging.acknowledge(warned, operator, "  thin market  ", [key])
    said = Acknowledgement.objects.get(expires_on=None)
    assert (said.warning, said.text, said.by) == (key, "thin market", operator)
    assert "1 warning is not acknowledged yet." in E.blockers(warned.number)
    entry = Entry.objects.filter(kind="warning.acknowledged").latest("pk")
    assert entry.details["warning"] == "BC-01 spread"
    assert warned.involvements.filter(what="acknowledged warnings").exists()


def test_all_at_once_close_the_item(warned: Session, operator: User) -> None:
    assert len(acknowledging.acknowledge(warned, operator, "looked at both")) == 2
    assert left(warned) == []
    assert warned.checklist.items.get(code="1.2.27").state == "AUTO_PASS"
    assert not [text for text in E.blockers(warned.number) if "acknowledged" in text]
    with pytest.raises(SessionRefused, match="no such warning"):
        acknowledging.acknowledge(warned, operator, "again")


def test_what_was_acknowledged_is_signed(warned: Session, operator: User) -> None:
    before = E.manifest(warned.number)["acknowledgements"][:2]
    acknowledging.acknowledge(warned, operator, "looked at both")
    after = E.manifest(warned.number)["acknowledgements"][:2]
    assert [one["by"] for one in before] == [None, None]
    assert [one["by"] for one in after] == ["op", "op"]


def test_who_may_and_when(warned: Session, operator: User, people: People) -> None:
    with pytest.raises(PermissionDenied):
        acknowledging.acknowledge(warned, people.cro, "fine")
    with pytest.raises(SessionRefused, match="Say what follows"):
        acknowledging.acknowledge(warned, operator, "ok")
    with pytest.raises(SessionRefused, match="no such warning"):
        acknowledging.acknowledge(warned, operator, "fine", ["check:0"])
    Session.objects.update(state="AWAITING_APPROVAL")
    with pytest.raises(SessionRefused, match="awaiting approval"):
        acknowledging.acknowledge(warned, operator, "fine")


def test_one_warning_has_one_acknowledgement(warned: Session, operator: User) -> None:
    key = Facts(warned).open_warnings[0].key
    acknowledging.acknowledge(warned, operator, "thin market", [key])
    with pytest.raises(IntegrityError), transaction.atomic():
        Acknowledgement.objects.create(session=warned, warning=key, text="x", by=operator)


def test_a_newer_attempt_has_its_own_warnings(warned: Session, operator: User) -> None:
    acknowledging.acknowledge(warned, operator, "looked at both")
    warned = run(sessions.rerun(warned, ["BC-01"], operator))
    accept_metrics(warned, operator)
    assert left(warned) == ["BC-01 spread", "HP-12 Processor and memory to spare"]


def finds(session: Session, code: str, verdict: Verdict) -> None:
    """A further preflight of the session that found this alone."""
    run = session.preflights.create(
        number=session.preflights.count() + 1, began_at=timezone.now(), passed=True
    )
    run.checks.create(
        position=1, code=code, group="Market", title="VIX", limit="below 30",
        finding="Not measured on this machine.", verdict=verdict,
    )  # fmt: skip


def test_what_the_preflight_could_not_find_out_is_acknowledged_as_a_warning_is(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.host = well_host(backup_h=None)
    toys.add("BC-01", passes)
    session = run(sessions.start(operator))
    accept_metrics(session, operator)
    assert session.state == "MANUAL_CHECKS"
    assert left(session) == ["HP-20B A backup exists"]
    assert Facts(session).open_warnings[0].text.startswith("Unknown: No backup is known")
    assert "1 warning is not acknowledged yet." in E.blockers(session.number)
    acknowledging.acknowledge(session, operator, "backed up by hand")
    assert "1 warning is not acknowledged yet." not in E.blockers(session.number)


@pytest.mark.parametrize("verdict", [Verdict.ATTEST, Verdict.UNKNOWN])
def test_a_check_that_nobody_answered_waits_for_an_acknowledgement(
    reviewed: Session, operator: User, verdict: Verdict
) -> None:
    finds(reviewed, "HP-14", verdict)
    assert left(reviewed) == ["HP-14 VIX"]
    assert "1 warning is not acknowledged yet." in E.blockers(reviewed.number)
    acknowledging.acknowledge(reviewed, operator, "VIX was 17")
    assert left(reviewed) == []


def test_a_check_that_a_person_answered_in_time_waits_for_nothing(
    reviewed: Session, operator: User
) -> None:
    finds(reviewed, "HP-14", Verdict.ATTEST)
    HealthAttestation.objects.create(session=reviewed, code="HP-14", text="17", by=operator)
    assert left(reviewed) == []


def test_a_word_said_before_does_not_hide_what_the_gateway_told(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.gateway = well_gateway(vix=45.0, vix_type=1)
    toys.add("BC-01", passes)
    session = sessions.start(operator)
    acknowledging.attest(session, operator, "HP-14", "looks fine to me")
    assert "HP-14 VIX" in left(run(session))


def test_what_the_gateway_told_is_not_attested(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.gateway = well_gateway(vix=45.0, vix_type=1)
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    with pytest.raises(SessionRefused, match="has told the VIX"):
        acknowledging.attest(session, operator, "HP-14", "looks fine to me")


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NOT_APPLICABLE])
def test_what_is_well_or_does_not_apply_warns_of_nothing(
    reviewed: Session, verdict: Verdict
) -> None:
    finds(reviewed, "HP-14", verdict)
    assert left(reviewed) == []
