"""The admin shows policies, requests and signatures to auditors, and changes none of them."""

import pytest
from django.test import Client

from approvals.models import Request, Signature
from tests.approvals.conftest import Sign
from tests.conftest import People

pytestmark = pytest.mark.django_db
TABLES = ["policy", "request", "signature"]


@pytest.fixture
def admin(people: People) -> Client:
    client = Client()
    client.force_login(people.co)
    return client


@pytest.mark.parametrize("table", TABLES)
def test_auditors_read(
    signoff: Request, sign: Sign, people: People, admin: Client, table: str
) -> None:
    sign(people.qa)
    assert admin.get(f"/admin/approvals/{table}/").status_code == 200
    assert admin.get(f"/admin/approvals/{table}/1/change/").status_code in {200, 302}
    assert admin.get(f"/admin/approvals/{table}/?q=x").status_code in {200, 302}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("code", ["co", "ad", "qa", "cro"])
def test_nobody_adds_changes_or_deletes(
    signoff: Request, sign: Sign, people: People, table: str, code: str
) -> None:
    sign(people.qa)
    pk = {"signature": Signature.objects.get().pk, "request": signoff.pk}.get(table, 1)
    browser = Client()
    browser.force_login(people[code])
    for path in ("add/", f"{pk}/change/", f"{pk}/delete/"):
        assert browser.post(f"/admin/approvals/{table}/{path}", {}).status_code == 403


def test_staff_without_an_auditors_role_see_nothing(signoff: Request, people: People) -> None:
    people.op.is_staff = True
    people.op.save()
    browser = Client()
    browser.force_login(people.op)
    assert browser.get("/admin/approvals/signature/").status_code == 403
