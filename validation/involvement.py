"""Note who had a hand in a session: none of them may sign it."""

from django.contrib.auth.models import User

from validation.models import Involvement, Session


def involve(session: Session, person: User, what: str) -> None:
    """Note, in the caller's transaction, what a person did to a session; once for each deed."""
    Involvement.objects.get_or_create(session=session, person=person, what=what[:80])
