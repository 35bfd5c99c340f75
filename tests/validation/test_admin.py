"""In the admin the list of event days is edited, with lines in the ledger; files are only read."""

from datetime import date

import pytest
from django.test import Client

from crucible.ledger.models import Entry
from crucible.roles import Role
from tests.conftest import People
from validation.bot_configs import receive
from validation.models import EventDay

pytestmark = pytest.mark.django_db
LIST = "/admin/validation/eventday/"
FOMC = {"day": "2026-12-09", "name": "FOMC"}


@pytest.fixture
def admin(people: People) -> Client:
    """The QA Lead's browser."""
    return browser_of(people, Role.QA)


def browser_of(people: People, role: Role) -> Client:
    person = getattr(people, role.lower())
    person.is_staff = True
    person.save()
    client = Client()
    client.force_login(person)
    return client


def noted() -> list[tuple[str, str, str]]:
    """What the ledger says of event days: kind, actor, name."""
    rows = Entry.objects.filter(object_type="event_day").order_by("sequence")
    return [(row.kind, row.actor_name, row.details["name"]) for row in rows]


def test_every_change_of_the_list_stands_in_the_ledger(admin: Client) -> None:
    admin.post(f"{LIST}add/", FOMC)
    event = EventDay.objects.get()
    assert (event.day, event.name) == (date(2026, 12, 9), "FOMC")
    admin.post(f"{LIST}{event.pk}/change/", FOMC | {"name": "CPI"})
    admin.post(f"{LIST}{event.pk}/delete/", {"post": "yes"})
    assert not EventDay.objects.exists()
    assert noted() == [
        ("event_day.added", "qa", "FOMC"), ("event_day.changed", "qa", "CPI"),
        ("event_day.removed", "qa", "CPI"),
    ]  # fmt: skip


def test_several_days_removed_at_once_stand_in_the_ledger_each(admin: Client) -> None:
    days = [EventDay.objects.create(day=date(2026, 12, day), name="CPI") for day in (9, 10)]
    chosen = {"action": "delete_selected", "_selected_action": [one.pk for one in days]}
    admin.post(LIST, chosen | {"post": "yes"})
    assert not EventDay.objects.exists()
    assert [kind for kind, *_ in noted()] == ["event_day.removed"] * 2


@pytest.mark.parametrize("role", list(Role))
def test_only_the_qa_lead_and_administrators_edit_the_list(people: People, role: Role) -> None:
    answer = browser_of(people, role).post(f"{LIST}add/", FOMC)
    allowed = role in {Role.QA, Role.AD}
    assert answer.status_code == (302 if allowed else 403)
    assert EventDay.objects.exists() == allowed


@pytest.mark.parametrize(
    "given", [{"day": "soon"}, {"day": ""}, {"name": ""}, {"name": "x" * 81}, {}]
)
def test_what_is_no_event_is_a_form_error(admin: Client, given: dict[str, str]) -> None:
    EventDay.objects.create(day=date(2026, 12, 9), name="FOMC")
    assert admin.post(f"{LIST}add/", FOMC | given).status_code == 200
    assert EventDay.objects.count() == 1


def test_nobody_changes_what_the_bot_was_uploaded_to_run_with(people: People) -> None:
    receive(people.op, b"gateway: {host: a, port: 4002, client_id: 1}\n")
    people.qa.is_superuser = True
    admin = browser_of(people, Role.QA)
    path = "/admin/validation/botconfig/"
    assert admin.get(path).status_code == 200
    assert admin.post(f"{path}add/", {}).status_code == 403
