"""Configuration revisions: proposed by one, approved by another, in force when nothing runs."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from brokerage.errors import GatewayConnectionError
from brokerage.models import Endpoint
from brokerage.rollover import Expiry
from crucible.alerts.models import Alert
from crucible.roles import Role
from tests.conftest import People
from tests.validation.conftest import Toys, passes
from validation import revisions, rolling, sessions
from validation.configuration import Config, ConfigError, read
from validation.models import ConfigRevision, RevisionState, Session
from validation.revisions import RevisionError

pytestmark = pytest.mark.django_db
R = RevisionState


@pytest.fixture
def first(seeded: Endpoint) -> ConfigRevision:
    """The revision in force."""
    return ConfigRevision.objects.get(state=R.ACTIVE)


def altered(first: ConfigRevision, **gateway: Any) -> Config:
    return read(first.content | {"gateway": first.content["gateway"] | gateway})


def sensitive(first: ConfigRevision) -> Config:
    return read(first.content | {"thresholds": {"suite_minutes": 20.0}})


def test_a_revision_goes_from_draft_to_force(first: ConfigRevision, people: People) -> None:
    draft = revisions.draft(people.op, altered(first, timeout=20.0))
    assert (draft.number, draft.state) == (2, R.DRAFT)
    approved = revisions.approve(revisions.propose(draft, people.op), people.qa)
    assert approved.state == R.APPROVED
    assert revisions.activate(approved, people.qa).state == R.ACTIVE
    first.refresh_from_db()
    assert first.state == R.SUPERSEDED


def test_thresholds_need_the_risk_officer_too(first: ConfigRevision, people: People) -> None:
    proposed = revisions.propose(revisions.draft(people.op, sensitive(first)), people.op)
    assert revisions.approve(proposed, people.qa).state == R.PROPOSED
    with pytest.raises(PermissionDenied, match="have approved already"):
        revisions.approve(proposed, people.qa)
    with pytest.raises(PermissionDenied, match="waits for Chief Risk Officer"):
        revisions.approve(proposed, people.pm)
    assert revisions.approve(proposed, people.cro).state == R.APPROVED


def test_the_author_neither_approves_nor_activates(first: ConfigRevision, people: People) -> None:
    proposed = revisions.propose(
        revisions.draft(people.qa, altered(first, timeout=20.0)), people.qa
    )
    with pytest.raises(PermissionDenied, match="author"):
        revisions.approve(proposed, people.qa)
    ConfigRevision.objects.filter(pk=proposed.pk).update(state=R.APPROVED)
    with pytest.raises(PermissionDenied, match="author"):
        revisions.activate(proposed, people.qa)


def test_roles_limit_each_step(first: ConfigRevision, people: People) -> None:
    with pytest.raises(PermissionDenied):
        revisions.draft(people.vw, altered(first, timeout=20.0))
    draft = revisions.draft(people.op, altered(first, timeout=20.0))
    with pytest.raises(PermissionDenied):
        revisions.propose(draft, people.vw)
    with pytest.raises(PermissionDenied):
        revisions.reject(draft, people.op, "no")
    with pytest.raises(PermissionDenied):
        revisions.activate(draft, people.op)


def test_steps_come_in_their_order(first: ConfigRevision, people: People) -> None:
    draft = revisions.draft(people.op, altered(first, timeout=20.0))
    with pytest.raises(RevisionError, match="is draft; it must be proposed"):
        revisions.approve(draft, people.qa)
    proposed = revisions.propose(draft, people.op)
    with pytest.raises(RevisionError, match="Say why"):
        revisions.reject(proposed, people.qa, " ")
    assert revisions.reject(proposed, people.qa, "too short").state == R.REJECTED


def test_a_draft_that_changes_nothing_is_refused(first: ConfigRevision, people: People) -> None:
    with pytest.raises(RevisionError, match="says the same already"):
        revisions.draft(people.op, read(first.content))


def test_a_port_must_be_allowed_when_it_is_proposed(first: ConfigRevision, people: People) -> None:
    draft = revisions.draft(people.op, altered(first, port=4010))
    with pytest.raises(ConfigError, match="4010"):
        revisions.propose(draft, people.op)
    Endpoint.objects.update(port=4010)
    assert revisions.propose(draft, people.op).state == R.PROPOSED


def test_nothing_comes_into_force_while_a_session_is_under_way(
    first: ConfigRevision, toys: Toys, people: People
) -> None:
    proposed = revisions.propose(
        revisions.draft(people.op, altered(first, timeout=20.0)), people.op
    )
    approved = revisions.approve(proposed, people.qa)
    toys.add("BC-01", passes)
    session = sessions.start(people.op)
    with pytest.raises(RevisionError, match=session.number):
        revisions.activate(approved, people.qa)


def test_an_earlier_revision_can_be_taken_up_again(first: ConfigRevision, people: People) -> None:
    second = revisions.draft(people.op, altered(first, timeout=20.0))
    ConfigRevision.objects.filter(pk=first.pk).update(state=R.SUPERSEDED)
    ConfigRevision.objects.filter(pk=second.pk).update(state=R.ACTIVE)
    copy = revisions.copy(first, people.op)
    assert (copy.digest, copy.origin, copy.state) == (first.digest, "roll-back", R.DRAFT)


def test_without_a_configuration_in_force_nothing_agrees(
    first: ConfigRevision, toys: Toys, operator: User
) -> None:
    toys.add("BC-01", passes)
    session = sessions.start(operator)
    assert revisions.agrees(session)
    ConfigRevision.objects.update(state=R.SUPERSEDED)
    assert not revisions.agrees(session)
    assert revisions.roll_expiry("20991231", "test") is None
    assert len(revisions.changes(first)) > 10


def test_a_revision_of_an_older_version_without_today_s_keys_rolls_and_agrees(
    first: ConfigRevision, toys: Toys, operator: User
) -> None:
    older = {key: value for key, value in first.content.items() if key != "limits"}
    ConfigRevision.objects.update(content=older)
    toys.add("BC-01", passes)
    session = sessions.start(operator)
    rolled = revisions.roll_expiry("20991231", "test")
    assert rolled is not None
    assert rolled.expiry_only
    ConfigRevision.objects.filter(pk=first.pk).update(state=R.SUPERSEDED)
    ConfigRevision.objects.filter(pk=rolled.pk).update(state=R.ACTIVE)
    assert revisions.agrees(session)


# -- the weekly expiry ---------------------------------------------------------------------------


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the broker's chain says next: an Expiry, or an error."""
    answers: list[Any] = []

    async def verified(target: Any, today: Any, rule: Any) -> Expiry:
        answer = answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Expiry(answer, rule.expiry, "The broker lists it.")

    monkeypatch.setattr(rolling, "_verified", verified)
    return answers


def test_a_new_expiry_takes_effect_by_itself_and_the_qa_lead_is_told(
    first: ConfigRevision, chain: list[Any]
) -> None:
    chain.append(date(2099, 12, 24))
    rolled = rolling.roll()
    assert rolled.ok
    assert rolled.revision is not None
    assert (rolled.revision.state, rolled.revision.expiry_only) == (R.ACTIVE, True)
    assert rolled.revision.author is None
    assert Alert.objects.get(kind="expiry-rolled").severity == "INFO"
    assert "up to date" in rolling.roll().text
    assert ConfigRevision.objects.count() == 2


def test_it_stays_a_proposal_where_the_setting_says_so(
    first: ConfigRevision, chain: list[Any], settings: Any
) -> None:
    settings.EXPIRY_AUTO_ACTIVATE = False
    chain.append(date(2099, 12, 24))
    rolling.roll()
    rolling.roll()
    assert ConfigRevision.objects.get(number=2).state == R.PROPOSED
    assert ConfigRevision.objects.count() == 2


def test_a_session_under_way_delays_it(
    first: ConfigRevision, chain: list[Any], toys: Toys, operator: User
) -> None:
    toys.add("BC-01", passes)
    sessions.start(operator)
    chain.append(date(2099, 12, 24))
    rolling.roll()
    assert ConfigRevision.objects.get(number=2).state == R.PROPOSED
    Session.objects.update(state="ABORTED")
    rolling.roll()
    assert ConfigRevision.objects.get(number=2).state == R.ACTIVE


def test_an_expiry_that_can_not_be_verified_changes_nothing(
    first: ConfigRevision, chain: list[Any]
) -> None:
    chain.append(GatewayConnectionError("Nothing listens."))
    rolled = rolling.roll()
    assert not rolled.ok
    assert "Nothing listens." in rolled.text
    assert Alert.objects.filter(kind="expiry-unverified").exists()
    assert ConfigRevision.objects.count() == 1


def test_without_a_gateway_nothing_can_be_verified(first: ConfigRevision) -> None:
    Endpoint.objects.update(is_default=False)
    assert not rolling.roll().ok


@pytest.fixture
def older(first: ConfigRevision) -> ConfigRevision:
    """The revision in force, of a version of the product that knew one threshold less."""
    del first.content["thresholds"]["connection_p95_ms"]
    first.save()
    return first


def test_what_an_older_revision_does_not_know_is_no_change(
    older: ConfigRevision, people: People
) -> None:
    draft = revisions.draft(people.op, altered(older, timeout=20.0))
    assert [change.path for change in revisions.changes(draft)] == ["gateway.timeout"]
    assert revisions.slots(draft) == [Role.QA]
    with pytest.raises(RevisionError, match="says the same already"):
        revisions.draft(people.op, read(older.content))


def test_a_tightened_drift_needs_the_risk_officer(older: ConfigRevision, people: People) -> None:
    tighter = read(older.content | {"thresholds": {"clock_drift_warn_seconds": 0.4}})
    assert revisions.slots(revisions.draft(people.op, tighter)) == [Role.QA, Role.CRO]
