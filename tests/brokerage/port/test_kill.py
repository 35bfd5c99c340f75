"""The kill switch: anyone stops, two people start again, every step leaves its line."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokerage import kill
from brokerage.kill import KillSwitchError
from brokerage.models import Endpoint, KillSwitch, OrderGrant
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.conftest import People

CAUSE = "The strike rule chose a contract in the money."


@pytest.fixture
def grant(db: None) -> OrderGrant:
    endpoint = Endpoint.objects.create(name="sim", kind="SIMULATED", port=4002)
    expires = timezone.now() + timedelta(hours=1)
    return OrderGrant.objects.create(scope="s1", endpoint=endpoint, expires_at=expires)


def state() -> str:
    return KillSwitch.current().state


def kinds() -> list[str]:
    return list(Entry.objects.order_by("sequence").values_list("kind", flat=True))


def requested(people: People) -> None:
    kill.trigger(people.tl, "odd fills")
    kill.request_reset(people.op, CAUSE)


def test_it_starts_armed(db: None) -> None:
    assert KillSwitch.permits()


@pytest.mark.parametrize("code", ["op", "vw", "ad", "pm", "cro"])
def test_any_signed_in_person_may_trigger(people: People, code: str) -> None:
    kill.trigger(people[code], "odd fills")
    assert state() == "TRIGGERED"
    assert not KillSwitch.permits()


def test_the_service_account_may_not_trigger(people: People) -> None:
    with pytest.raises(KillSwitchError, match="service account"):
        kill.trigger(people.ci, "a build failed")
    assert state() == "ARMED"


def test_a_trigger_needs_a_reason(people: People) -> None:
    with pytest.raises(KillSwitchError, match="reason"):
        kill.trigger(people.op, "   ")
    assert state() == "ARMED"


def test_a_trigger_revokes_grants_and_leaves_alert_and_entry(
    people: People, grant: OrderGrant
) -> None:
    kill.trigger(people.lt, "odd fills")
    grant.refresh_from_db()
    assert grant.state == "REVOKED"
    assert Alert.objects.get().severity == "CRITICAL"
    entry = Entry.objects.get(kind="kill.triggered")
    assert entry.actor == people.lt
    assert entry.details["reason"] == "odd fills"


def test_a_rule_triggers_without_a_person(db: None) -> None:
    switch = kill.trigger("gateway", "account U1", rule="not paper")
    assert (switch.by, switch.by_name, switch.rule) == (None, "gateway", "not paper")


def test_a_second_trigger_is_only_logged(people: People) -> None:
    kill.trigger(people.op, "first")
    kill.trigger(people.qa, "second")
    assert KillSwitch.current().reason == "first"
    assert kinds()[-1] == "kill.triggered_again"


def test_a_trigger_takes_a_requested_reset_back(people: People) -> None:
    requested(people)
    kill.trigger(people.op, "it happened again")
    assert state() == "TRIGGERED"
    with pytest.raises(KillSwitchError, match="TRIGGERED"):
        kill.approve_reset(people.cro)


def test_two_people_arm_it_again(people: People) -> None:
    requested(people)
    assert not KillSwitch.permits()
    kill.approve_reset(people.cro)
    assert KillSwitch.permits()
    told = [kind for kind in kinds() if kind.startswith("kill.")]
    assert told[-2:] == ["kill.reset_requested", "kill.reset_approved"]
    assert Alert.objects.get(kind="kill-switch").state == "RESOLVED"


def test_the_requester_cannot_approve(people: People) -> None:
    people.op.groups.add(*people.cro.groups.all())
    requested(people)
    with pytest.raises(KillSwitchError, match="requested the reset"):
        kill.approve_reset(people.op)
    assert state() == "RESET_REQUESTED"


@pytest.mark.parametrize("code", ["op", "qa", "pm", "ad", "vw", "lt"])
def test_only_risk_approves(people: People, code: str) -> None:
    requested(people)
    with pytest.raises(KillSwitchError, match="Risk Officer"):
        kill.approve_reset(people[code])


@pytest.mark.parametrize("code", ["cro", "pm", "lt", "qs", "vw"])
def test_only_operator_or_qa_lead_request(people: People, code: str) -> None:
    kill.trigger(people.op, "odd fills")
    with pytest.raises(KillSwitchError, match="Operator"):
        kill.request_reset(people[code], CAUSE)


def test_a_request_needs_a_root_cause(people: People) -> None:
    kill.trigger(people.op, "odd fills")
    with pytest.raises(KillSwitchError, match="root cause"):
        kill.request_reset(people.op, "dunno")


def test_an_armed_switch_needs_no_reset(people: People) -> None:
    with pytest.raises(KillSwitchError, match="ARMED"):
        kill.request_reset(people.op, CAUSE)


def test_a_refused_reset_leaves_it_triggered_with_the_first_reason(people: People) -> None:
    requested(people)
    switch = kill.refuse_reset(people.cto, "the fix is not tested")
    assert (switch.state, switch.reason, switch.requested_by) == ("TRIGGERED", "odd fills", None)
    assert kinds()[-1] == "kill.reset_refused"


def test_refusing_needs_a_reason(people: People) -> None:
    requested(people)
    with pytest.raises(KillSwitchError, match="reason"):
        kill.refuse_reset(people.cro, "")


def test_there_is_only_one_switch(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        KillSwitch.objects.create(pk=2)


def test_a_missing_row_permits_nothing(db: None) -> None:
    KillSwitch.objects.all().delete()
    assert not KillSwitch.permits()
