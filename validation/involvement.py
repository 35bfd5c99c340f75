"""Note who had a hand in a session: none of them may sign it."""

from django.contrib.auth.models import User

from validation.models import Involvement, Session

# Deeds of those who ran a session: they approve no correction of its books either.
RAN = (
    "started the preflight",
    "started the session",
    "ran scenarios again",
    "resumed the session",
)


def involve(session: Session, person: User, what: str) -> None:
    """Note, in the caller's transaction, what a person did to a session; once for each deed."""
    Involvement.objects.get_or_create(session=session, person=person, what=what[:80])


def ran(scope: str) -> dict[int, str]:
    """Return who ran the session of a scope ("number" or "number/…"): the person's id → the deed.

    settings.RUN_BY names it for those who settle differences to the broker.
    """
    number = scope.partition("/")[0]
    deeds = Involvement.objects.filter(session__number=number, what__in=RAN).order_by("-pk")
    return dict(deeds.values_list("person_id", "what"))
