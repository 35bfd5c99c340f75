"""Auditors search the ledger in the admin; nobody, superusers included, changes it there."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crucible.ledger.models import Entry
from crucible.ledger.record import record
from crucible.roles import Role
from tests.conftest import People

LIST = "/admin/ledger/entry/"
AUDITORS = {Role.CO, Role.AD, Role.CRO, Role.QA}

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(people: People) -> Entry:
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        record("config.activated", "config", "7", actor="scheduler", why="roll")
    return record("session.started", "session", "s1", actor=people.op, seed=4711)


def shown(client: Client, query: str) -> set[int]:
    response = client.get(LIST + query)
    assert response.status_code == 200
    return {row.sequence for row in response.context["cl"].result_list}


@pytest.mark.parametrize("role", sorted(Role))
def test_the_ledger_is_read_by_auditors_alone(
    client: Client, people: People, entry: Entry, role: Role
) -> None:
    person = people[role.lower()]
    person.is_staff = True
    person.save()
    client.force_login(person)
    expected = 200 if role in AUDITORS else 403
    assert client.get(LIST).status_code == expected
    assert client.get(f"{LIST}{entry.pk}/change/").status_code == expected


@pytest.mark.parametrize("code", ["co", "ad", "root"])
def test_no_admin_url_adds_changes_or_deletes(
    client: Client, people: People, entry: Entry, code: str
) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root if code == "root" else people[code])
    refused = [
        client.get(f"{LIST}add/"),
        client.post(f"{LIST}add/", {"kind": "forged"}),
        client.post(f"{LIST}{entry.pk}/change/", {"kind": "forged"}),
        client.get(f"{LIST}{entry.pk}/delete/"),
        client.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}),
    ]
    assert [response.status_code for response in refused] == [403] * len(refused)
    client.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert list(Entry.objects.values_list("kind", flat=True)) == [
        "session.started",
        "config.activated",
    ]


def test_the_page_of_an_entry_shows_all_and_no_field_to_type_in(
    client: Client, people: People, entry: Entry
) -> None:
    client.force_login(people.co)
    page = client.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert entry.body_sha256 in page
    assert "4711" in page
    assert 'name="kind"' not in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {1, 2}),
        ("?kind=session.started", {2}),
        ("?object_type=config", {1}),
        ("?actor_name=op", {2}),
        ("?since=1h", {2}),
        ("?since=24h", {2}),
        ("?since=today", {2}),
        ("?since=nonsense", {1, 2}),
        ("?q=4711", {2}),
        ("?q=roll", {1}),
        ("?q=s1", {2}),
    ],
)
def test_entries_are_found_by_actor_event_object_time_and_word(
    client: Client, people: People, entry: Entry, query: str, expected: set[int]
) -> None:
    client.force_login(people.cro)
    assert shown(client, query) == expected


def test_the_index_lists_the_ledger_for_auditors_alone(client: Client, people: People) -> None:
    people.op.is_staff = True
    people.op.save()
    client.force_login(people.op)
    assert LIST not in client.get("/admin/").content.decode()
    client.force_login(people.qa)
    assert LIST in client.get("/admin/").content.decode()


def test_the_list_is_called_audit_log_and_tells_seconds_in_utc(
    client: Client, people: People, entry: Entry
) -> None:
    client.force_login(people.co)
    assert "<h1>Audit log</h1>" in client.get(LIST).content.decode()
    page = client.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert f"{entry.at:%Y-%m-%d %H:%M:%S}" in page


def test_the_admin_wears_the_product_s_palette(client: Client, people: People) -> None:
    client.force_login(people.co)
    page = client.get("/admin/").content.decode()
    assert "/static/tokens.css" in page
    assert "/static/admin.css" in page


def test_a_disabled_superuser_reads_nothing(client: Client) -> None:
    root = User.objects.create_superuser("root", is_active=False)
    client.force_login(root)
    assert client.get(LIST).status_code == 302
