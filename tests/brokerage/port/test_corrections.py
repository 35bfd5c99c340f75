"""Differences settled by two people: one proposes, another one who did not run it approves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from brokerage import corrections, reconciliation
from brokerage.comparison import Difference, Kind
from brokerage.corrections import CorrectionError
from brokerage.errors import OrderRefused
from brokerage.funds import Account
from brokerage.models import (
    Correction,
    Endpoint,
    OrderGrant,
    ReconciliationDiff,
    ReconciliationRun,
)
from brokerage.safety import refuse_unreconciled
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.conftest import People

pytestmark = pytest.mark.django_db
WHY = "It was the other bot."


@pytest.fixture
def diff(grant: OrderGrant) -> ReconciliationDiff:
    return open_diff(grant)


def open_diff(grant: OrderGrant, **more: object) -> ReconciliationDiff:
    assert grant.endpoint is not None
    run = reconciliation.begin(grant.endpoint.target(), "s1", "CYCLE", 210)
    values = {"kind": "PHANTOM", "subject": "position SPY", "con_id": 756, "gap": -1.0}
    return ReconciliationDiff.objects.create(
        run=run, endpoint=grant.endpoint, scope="s1", own="1", broker="0", **values | more
    )


def end(run: ReconciliationRun, *found: Difference) -> ReconciliationRun:
    """End a run that found these."""
    return reconciliation.finish(
        run, found, base={}, foreign=[], counts=(0, 0), account=Account(None, ())
    )


def cycle(grant: OrderGrant, *found: Difference) -> str:
    """Begin and end a run that found these; return how it ended."""
    assert grant.endpoint is not None
    return end(reconciliation.begin(grant.endpoint.target(), "s1", "CYCLE", 240), *found).state


PHANTOM = Difference(Kind.PHANTOM, "position SPY", "1", "nothing", "0", con_id=756, gap=-1.0)


def settle(people: People, *, row: bool) -> None:
    """Have two people settle what is open."""
    diff = corrections.propose(
        ReconciliationDiff.objects.get(state="OPEN"), people.op, WHY, row=row
    )
    corrections.approve(diff, people.qa)


@pytest.mark.parametrize("row", [False, True])
def test_what_was_settled_and_gone_comes_back_as_a_new_difference(
    grant: OrderGrant, people: People, row: bool
) -> None:
    assert cycle(grant, PHANTOM) == "DIFFS"
    settle(people, row=row)
    assert (cycle(grant), cycle(grant, PHANTOM)) == ("CLEAN", "DIFFS")
    assert [diff.state for diff in ReconciliationDiff.objects.all()] == ["EXPLAINED", "OPEN"]
    assert Alert.objects.filter(kind="reconciliation", state="OPEN").exists()
    with pytest.raises(OrderRefused, match="unexplained difference"):
        refuse_unreconciled(grant)


def test_a_difference_shuts_the_door_of_its_gateway_whatever_endpoint_names_it(
    diff: ReconciliationDiff,
) -> None:
    twin = Endpoint.objects.create(name="twin", kind="SIMULATED", host="localhost", port=4002)
    until = timezone.now() + timedelta(hours=1)
    other = OrderGrant.objects.create(scope="s2", endpoint=twin, expires_at=until)
    with pytest.raises(OrderRefused, match="unexplained difference"):
        refuse_unreconciled(other)


def test_what_a_row_has_corrected_may_not_be_there_any_more(
    grant: OrderGrant, people: People
) -> None:
    cycle(grant, PHANTOM)
    settle(people, row=True)
    assert cycle(grant, PHANTOM) == "DIFFS"


def test_an_explanation_lasts_as_long_as_what_it_explains(
    grant: OrderGrant, people: People
) -> None:
    cycle(grant, PHANTOM)
    settle(people, row=False)
    assert [cycle(grant, PHANTOM), cycle(grant, PHANTOM)] == ["CLEAN", "CLEAN"]
    refuse_unreconciled(grant)


def test_what_explained_itself_once_excuses_nothing_that_does_not(grant: OrderGrant) -> None:
    assert cycle(grant, replace(PHANTOM, explanation="Asking brought it.")) == "CLEAN"
    assert cycle(grant, PHANTOM) == "DIFFS"


def test_an_explanation_settles_once_another_person_approves(
    diff: ReconciliationDiff, people: People
) -> None:
    assert corrections.propose(diff, people.op, WHY).state == "OPEN"
    settled = corrections.approve(diff, people.qa)
    assert (settled.state, settled.explanation) == ("EXPLAINED", WHY)
    assert (settled.proposer, settled.settled_by) == ("op", "qa")
    assert not Correction.objects.exists()


def test_a_correcting_row_is_written_by_the_approval_alone(
    diff: ReconciliationDiff, people: People
) -> None:
    corrections.propose(diff, people.op, WHY, row=True)
    assert not Correction.objects.exists()
    corrections.approve(diff, people.cro)
    row = Correction.objects.get()
    assert (row.quantity, row.by, row.diff) == (-1.0, people.cro, diff)


@pytest.mark.parametrize("role", ["qa", "cro", "pm", "ld", "ad"])
def test_who_may_not_propose(diff: ReconciliationDiff, people: People, role: str) -> None:
    with pytest.raises(CorrectionError, match="Only the System Operator"):
        corrections.propose(diff, people[role], WHY)


@pytest.mark.parametrize("role", ["op", "qs", "pm", "ld", "ad"])
def test_who_may_not_decide(diff: ReconciliationDiff, people: People, role: str) -> None:
    corrections.propose(diff, people.op, WHY)
    with pytest.raises(CorrectionError, match="Only the QA Lead"):
        corrections.approve(diff, people[role])
    with pytest.raises(CorrectionError, match="Only the QA Lead"):
        corrections.refuse(diff, people[role], "I do not believe it.")


def test_nobody_approves_an_own_proposal_whatever_the_roles(
    diff: ReconciliationDiff, people: People
) -> None:
    people.op.groups.add(*people.qa.groups.all())
    both = type(people.op).objects.get(pk=people.op.pk)
    corrections.propose(diff, both, WHY)
    with pytest.raises(CorrectionError, match="Who proposed it"):
        corrections.approve(diff, both)
    assert ReconciliationDiff.objects.get().state == "OPEN"


def test_who_ran_the_session_approves_nothing_of_it(
    diff: ReconciliationDiff, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds = {"s1": {people.qa.pk: "started the session"}}
    monkeypatch.setattr("validation.involvement.ran", lambda scope: deeds[scope])
    corrections.propose(diff, people.op, WHY)
    with pytest.raises(CorrectionError, match="you started the session"):
        corrections.approve(diff, people.qa)
    assert corrections.approve(diff, people.cro).state == "EXPLAINED"


def test_what_is_not_proposed_can_t_be_approved(diff: ReconciliationDiff, people: People) -> None:
    with pytest.raises(CorrectionError, match="Nothing is proposed"):
        corrections.approve(diff, people.qa)


def test_a_refused_proposal_leaves_the_difference_open(
    diff: ReconciliationDiff, people: People
) -> None:
    corrections.propose(diff, people.op, WHY)
    corrections.refuse(diff, people.qa, "There is no other bot.")
    diff.refresh_from_db()
    assert (diff.state, diff.proposal, diff.proposed_by) == ("OPEN", "", None)
    assert Entry.objects.filter(kind="correction.refused").exists()


@pytest.mark.parametrize("broker", ["0", "-1"])
def test_a_proposal_is_about_the_values_that_it_was_made_for(
    diff: ReconciliationDiff, people: People, broker: str
) -> None:
    corrections.propose(diff, people.op, WHY)
    now = Difference(Kind.PHANTOM, "position SPY", "1", "nothing", broker, con_id=756, gap=-1.0)
    end(diff.run, now)
    diff.refresh_from_db()
    assert bool(diff.proposal) is (broker == "0")


def test_a_text_says_something_and_what_is_settled_is_settled(
    diff: ReconciliationDiff, people: People
) -> None:
    with pytest.raises(CorrectionError, match="ten characters"):
        corrections.propose(diff, people.op, "because  ")
    corrections.propose(diff, people.op, WHY)
    corrections.approve(diff, people.qa)
    with pytest.raises(CorrectionError, match="explained already"):
        corrections.propose(diff, people.op, WHY)
    with pytest.raises(CorrectionError, match="explained already"):
        corrections.approve(diff, people.cro)


def test_cash_is_explained_and_corrected_by_no_row(grant: OrderGrant, people: People) -> None:
    cash = open_diff(grant, kind="CASH", subject="the account's cash", con_id=None, gap=-5.0)
    with pytest.raises(CorrectionError, match="Only a position or an execution"):
        corrections.propose(cash, people.op, WHY, row=True)
    corrections.propose(cash, people.op, "The month's fee for data.")
    assert corrections.approve(cash, people.qa).state == "EXPLAINED"


def test_a_part_of_the_system_settles_its_own_drills_alone(grant: OrderGrant) -> None:
    with pytest.raises(CorrectionError, match="drill"):
        corrections.end_drill(open_diff(grant), "RS-08", "It was provoked by a drill.")
    drill = open_diff(grant, drill=True)
    corrections.end_drill(drill, "RS-08", "It was provoked by a drill.")
    drill.refresh_from_db()
    assert (drill.state, drill.settled_by) == ("EXPLAINED", "RS-08")


def test_what_is_settled_stays_as_it_is(diff: ReconciliationDiff, people: People) -> None:
    corrections.propose(diff, people.op, WHY)
    settled = corrections.approve(diff, people.qa)
    settled.state = "OPEN"
    with pytest.raises(DatabaseError, match="append-only"):
        settled.save()
