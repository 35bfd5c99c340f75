"""Differences listed and settled from a terminal, by the right people alone."""

import io

import pytest
from django.core.management import CommandError, call_command

from brokerage.models import Correction, OrderGrant, ReconciliationDiff, ReconciliationRun
from tests.conftest import People


def reconciliation(*args: str) -> str:
    out = io.StringIO()
    call_command("reconciliation", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def diff(grant: OrderGrant) -> ReconciliationDiff:
    run = ReconciliationRun.objects.create(endpoint=grant.endpoint, scope="s1", occasion="CYCLE")
    return ReconciliationDiff.objects.create(
        run=run, endpoint=grant.endpoint, scope="s1", kind="FOREIGN_POSITION",
        subject="position SPY", con_id=756, gap=1.0, own="0", broker="1",
    )  # fmt: skip


def settle(
    monkeypatch: pytest.MonkeyPatch, action: str, diff: ReconciliationDiff, user: str
) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"secret-{user}\n"))
    text = () if action == "approve" else ("--text", "Bought by hand in TWS.")
    return reconciliation(action, str(diff.pk), "--user", user, *text)


def test_nothing_open_is_told(db: None) -> None:
    assert reconciliation("list") == "No difference is open.\n"


def test_what_is_open_is_listed_with_an_exit_code_of_its_own(diff: ReconciliationDiff) -> None:
    with pytest.raises(SystemExit) as caught:
        reconciliation("list")
    assert caught.value.code == 3


def test_an_approved_explanation_opens_the_door_again(
    diff: ReconciliationDiff, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = settle(monkeypatch, "explain", diff, "op")
    assert "op proposes an explanation: Bought by hand in TWS." in proposed
    assert settle(monkeypatch, "approve", diff, "qa") == "No difference is open.\n"
    diff.refresh_from_db()
    assert (diff.state, diff.settled_by) == ("EXPLAINED", "qa")
    assert not Correction.objects.exists()


def test_a_correction_takes_the_broker_s_value(
    diff: ReconciliationDiff, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "op proposes a correcting row" in settle(monkeypatch, "correct", diff, "op")
    settle(monkeypatch, "approve", diff, "cro")
    correction = Correction.objects.get()
    assert (correction.quantity, correction.by) == (1.0, people.cro)


def test_a_refused_proposal_stays_listed_as_open(
    diff: ReconciliationDiff, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, "explain", diff, "op")
    assert "proposes" not in settle(monkeypatch, "refuse", diff, "qa")


@pytest.mark.parametrize("user", ["qa", "nobody"])
def test_others_are_refused(
    diff: ReconciliationDiff, people: People, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    with pytest.raises(CommandError) as caught:
        settle(monkeypatch, "explain", diff, user)
    assert caught.value.returncode == 1
    diff.refresh_from_db()
    assert diff.state == "OPEN"


def test_a_number_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="no difference 99"):
        reconciliation("explain", "99", "--user", "qa", "--text", "Bought by hand in TWS.")
