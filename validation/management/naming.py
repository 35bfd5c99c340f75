"""Which session is meant at a terminal."""

from django.core.management import CommandError

from validation.models import Session


def session_of(number: str) -> Session:
    """Return the session of that number; raises CommandError."""
    related = Session.objects.select_related("config", "created_by")
    session = related.filter(number=number).first()
    if session is None:
        raise CommandError(f"There is no session {number}.")
    return session
