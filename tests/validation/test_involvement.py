"""Who ran a session, as those who settle its differences to the broker ask."""

import pytest
from django.contrib.auth.models import User

from tests.conftest import People
from validation import pausing
from validation.involvement import RAN, involve, ran
from validation.models import Session

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("below", ["", "/RS-08"])
def test_who_started_a_session_ran_it_and_all_of_its_scopes(
    sound: Session, operator: User, below: str
) -> None:
    assert ran(f"{sound.number}{below}") == {operator.pk: "started the session"}


def test_who_resumed_a_session_ran_it_as_well(sound: Session, people: People) -> None:
    Session.objects.update(state="PAUSED", paused_at=sound.created_at, wanted=False)
    pausing.resume(Session.objects.get(), people.qs)
    assert ran(sound.number)[people.qs.pk] == "resumed the session"


def test_a_hand_in_its_papers_is_no_run(sound: Session, people: People) -> None:
    involve(sound, people.qa, "attested item 1.1.7")
    involve(sound, people.qs, RAN[2])
    assert people.qa.pk not in ran(sound.number)
    assert people.qs.pk in ran(sound.number)


def test_other_sessions_do_not_count(sound: Session) -> None:
    assert ran(f"{sound.number}0") == {}
