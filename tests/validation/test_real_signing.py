"""The halves together: a real session before the rules of signing, by page and by API."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from approvals import requests
from approvals.models import Request, Signature
from tests.conftest import People
from tests.validation.test_checklist import close_all, item
from tests.validation.test_uploads import GREEN, RUN
from validation import checklist
from validation.models import Session, SessionState
from validation.uploads import receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def signoff(reviewed: Session, operator: User, people: People, settings: LazySettings) -> Request:
    """A real session, whose operator is also QA Lead, submitted by somebody else."""
    settings.DEMO = True
    close_all(reviewed, operator)
    operator.groups.add(Group.objects.get_or_create(name="QA")[0])
    return requests.submit(reviewed.number, people.qs)


def by_api(user: User, signoff: Request) -> Any:
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    body = {"decision": "APPROVE", "password": People.password(user), "slot": "QA"}
    return client.post(f"/api/v1/signoffs/{signoff.pk}/decision", body, format="json")


def by_page(user: User, signoff: Request) -> Any:
    client = Client()
    client.force_login(user)
    body = {"decision": "APPROVE", "password": People.password(user), "slot": "QA"}
    return client.post(reverse("approvals:decide", args=[signoff.pk]), body)


def test_the_operator_cannot_sign_by_the_api_even_as_qa_lead(
    signoff: Request, operator: User
) -> None:
    answer = by_api(operator, signoff)
    assert (answer.status_code, answer.json()["code"]) == (403, "CONFLICT")
    assert not Signature.objects.exists()


def test_the_operator_cannot_sign_by_the_page_even_as_qa_lead(
    signoff: Request, operator: User
) -> None:
    assert by_page(operator, signoff).status_code == 403
    assert not Signature.objects.exists()


def test_whoever_uploaded_the_report_that_ticks_an_item_cannot_sign(
    reviewed: Session, operator: User, people: People, settings: LazySettings
) -> None:
    settings.DEMO = True
    developer = people.ld
    developer.groups.add(Group.objects.get_or_create(name="QA")[0])
    receive(developer, GREEN, **RUN | {"commit": reviewed.code_version})
    close_all(reviewed, operator)
    signoff = requests.submit(reviewed.number, people.qs)
    refused = by_api(developer, signoff)
    assert (refused.status_code, refused.json()["code"]) == (403, "CONFLICT")
    assert "uploaded test report" in refused.content.decode()
    assert by_page(developer, signoff).status_code == 403
    assert not Signature.objects.exists()


def test_a_report_of_other_code_keeps_nobody_from_signing(signoff: Request, people: People) -> None:
    developer = people.ld
    developer.groups.add(Group.objects.get_or_create(name="QA")[0])
    receive(developer, GREEN, **RUN)
    assert by_api(developer, signoff).status_code == 200


def test_a_changed_item_after_the_first_signature_voids_it(
    signoff: Request, reviewed: Session, people: People, operator: User
) -> None:
    assert by_api(people.qa, signoff).status_code == 200
    checklist.reopen(item(reviewed, "1.1.7"), operator, "the label was another one")
    signoff.refresh_from_db()
    reviewed.refresh_from_db()
    assert signoff.state == "VOIDED"
    assert Signature.objects.get().void
    assert reviewed.state == SessionState.MANUAL_CHECKS
