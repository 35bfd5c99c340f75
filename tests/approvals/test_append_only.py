"""What the database itself refuses: changed signatures, reopened requests, second signatures."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from approvals import requests, signing
from approvals.models import Policy, Request, Signature
from approvals.rules import Decision
from crucible.ledger.append_only import AppendOnlyError
from tests.approvals import evidence
from tests.approvals.evidence import SUBJECT
from tests.conftest import People
from tests.databases import Database


@pytest.fixture
def signed(database: Database, people: People) -> Request:
    evidence.put()
    signoff = requests.submit(SUBJECT, people.op)
    return signing.decide(signoff.pk, people.qa, Decision.APPROVE, password="secret-qa")


def refused(statement: str, *values: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_signature_is_never_changed_or_deleted(signed: Request) -> None:
    refused("UPDATE approvals_signature SET decision = 'REJECT'")
    refused("DELETE FROM approvals_signature")
    assert Signature.objects.get().decision == "APPROVE"


@pytest.mark.parametrize(
    "column", ["manifest_text", "digest", "subject", "title", "due_at", "submitted_at"]
)
def test_what_was_submitted_never_changes_even_while_it_is_open(
    signed: Request, column: str
) -> None:
    value = timezone.now() + timedelta(days=9) if column.endswith("_at") else "x"
    refused(f"UPDATE approvals_request SET {column} = %s", value)


def test_an_open_request_may_change_its_state(signed: Request) -> None:
    assert Request.objects.filter(state="PARTIALLY_SIGNED").update(state="OPEN") == 1


def test_a_closed_request_never_opens_again(signed: Request, people: People) -> None:
    requests.withdraw(signed.pk, people.op, "the wrong session")
    refused("UPDATE approvals_request SET state = 'OPEN'")
    refused("UPDATE approvals_request SET closed_reason = 'nothing'")


def test_no_request_and_no_policy_is_deleted(signed: Request) -> None:
    refused("DELETE FROM approvals_request")
    refused("DELETE FROM approvals_policy")
    refused("UPDATE approvals_policy SET version = 9")


def raw_signature(signed: Request, slot: str, signer: int) -> None:
    now = timezone.now()
    refused(
        "INSERT INTO approvals_signature (request_id, slot, signer_id, signer_name, decision,"
        " comment, digest, simulated, at) VALUES (%s, %s, %s, 'x', 'APPROVE', '', 'x', %s, %s)",
        signed.pk, slot, signer, False, now,
    )  # fmt: skip


def test_a_second_signature_of_a_slot_or_a_person_is_refused_even_past_the_code(
    signed: Request, people: People
) -> None:
    raw_signature(signed, "QA", people.lt.pk)
    raw_signature(signed, "CRO", people.qa.pk)
    assert Signature.objects.count() == 1


def test_the_models_refuse_before_the_database_does(signed: Request, people: People) -> None:
    signature = Signature.objects.get()
    for change in (signature.save, signature.delete, Signature.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            change()
    with pytest.raises(TypeError, match="one by one"):
        Signature.objects.bulk_create([signature])


def test_the_policy_is_there_after_every_migration(database: Database) -> None:
    policy = Policy.current()
    assert str(policy) == "VALIDATION 1"
    assert [(row["role"], row["after"]) for row in policy.slots] == [
        ("QA", []), ("CRO", []), ("PM", ["QA", "CRO"])
    ]  # fmt: skip


def test_a_new_version_of_the_policy_leaves_open_requests_as_they_are(
    signed: Request, people: People
) -> None:
    Policy.objects.create(code="VALIDATION", version=2, slots=[{"role": "CRO", "after": []}])
    assert Policy.current().version == 2
    signed.refresh_from_db()
    assert signed.unchanged
    assert len(signed.slots) == 3


def test_a_policy_that_nobody_can_complete_is_not_kept(database: Database) -> None:
    with pytest.raises(ValueError, match="reached"):
        Policy.objects.create(code="CIRCLE", version=1, slots=[{"role": "QA", "after": ["QA"]}])
    assert not Policy.objects.filter(code="CIRCLE").exists()
