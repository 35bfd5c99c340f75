"""Two people at the same instant, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from approvals import passwords, requests, signing
from approvals.guards import Refused
from approvals.models import Request, Signature
from approvals.rules import Decision
from crucible.ledger.models import Entry
from tests.approvals import evidence
from tests.approvals.evidence import SUBJECT
from tests.conftest import People
from tests.databases import Database


@pytest.fixture
def waiting(database: Database, people: People) -> Request:
    evidence.put()
    return requests.submit(SUBJECT, people.op)


def at_once(*calls: Callable[[], Any]) -> list[str]:
    """Run the calls in threads that start together; return each result's or refusal's name."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> str:
        try:
            barrier.wait(60)
            return type(call()).__name__
        except Refused as refused:
            return refused.refusal.code.value
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


def approve(waiting: Request, by: User) -> Callable[[], Request]:
    def call() -> Request:
        return signing.decide(waiting.pk, by, Decision.APPROVE, password=People.password(by))

    return call


def test_qa_and_cro_sign_at_the_same_instant(waiting: Request, people: People) -> None:
    assert at_once(approve(waiting, people.qa), approve(waiting, people.cro)) == ["Request"] * 2
    assert {s.slot for s in Signature.objects.all()} == {"QA", "CRO"}
    waiting.refresh_from_db()
    assert [role.value for role in waiting.waiting_roles] == ["PM"]


def test_of_two_qa_leads_at_the_same_instant_one_signs(waiting: Request, people: People) -> None:
    people.lt.groups.add(Group.objects.get(name="QA"))
    outcome = at_once(approve(waiting, people.qa), approve(waiting, people.lt))
    assert outcome == ["Request", "SLOT_TAKEN"]
    assert Signature.objects.count() == 1


def test_a_double_click_signs_once(waiting: Request, people: People) -> None:
    outcome = at_once(*[approve(waiting, people.qa)] * 3)
    assert outcome == ["ALREADY_SIGNED", "ALREADY_SIGNED", "Request"]


def test_two_final_signatures_close_the_request_once(waiting: Request, people: People) -> None:
    approve(waiting, people.qa)()
    approve(waiting, people.cro)()
    people.cto.groups.add(Group.objects.get(name="PM"))
    outcome = at_once(approve(waiting, people.pm), approve(waiting, people.cto))
    assert outcome in (["CLOSED", "Request"], ["Request", "SLOT_TAKEN"])
    assert [told[0] for told in evidence.read()["told"]] == ["SUBMITTED", "APPROVED"]


@pytest.mark.parametrize("turn", range(3))
def test_a_change_and_a_signature_at_the_same_instant_never_leave_a_signature_on_changed_content(
    waiting: Request, people: People, turn: int
) -> None:
    def change() -> Request | None:
        return evidence.change(people.op, config={"revision": 4})

    outcome = at_once(change, approve(waiting, people.qa))
    assert outcome[0] in {"CHANGED", "CLOSED", "Request"}
    assert outcome[1] == "Request"
    waiting.refresh_from_db()
    assert waiting.state == "VOIDED"


def test_of_two_submissions_at_the_same_instant_one_is_made(
    database: Database, people: People
) -> None:
    evidence.put()
    outcome = at_once(
        lambda: requests.submit(SUBJECT, people.op), lambda: requests.submit(SUBJECT, people.qs)
    )
    assert outcome == ["Request", "UNDECIDED"]
    assert Request.objects.count() == 1


def test_guesses_at_the_same_instant_are_all_counted(database: Database, people: People) -> None:
    def guess() -> None:
        passwords.confirm(people.qa, "wrong", about=1)

    assert at_once(*[guess] * 8) == ["LOCKED_OUT"] * 3 + ["PASSWORD"] * 5
    assert Entry.objects.filter(kind="signoff.password_refused").count() == 5
