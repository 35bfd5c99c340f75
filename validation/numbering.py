"""The numbers by which people call sessions."""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone

from brokerage.calendar import ET
from validation.models import Session

# Sessions that begin in one moment, at gateways of their own.
TRIES = 10


def next_number() -> str:
    """Return the next session number of the exchange's day: prelive_YYYYMMDD_NNN."""
    prefix = f"prelive_{timezone.now().astimezone(ET):%Y%m%d}_"
    last = Session.objects.filter(number__startswith=prefix).order_by("number").last()
    count = int(last.number.removeprefix(prefix)) if last else 0
    return f"{prefix}{count + 1:03d}"


def numbered(create: Callable[[str], Session]) -> Session:
    """Create a session with the next number, in a transaction; return it.

    Where another one takes the number in the same moment, the next number is tried. Raises
    IntegrityError for whatever else the database refuses.
    """
    for _ in range(TRIES):
        number = next_number()
        try:
            with transaction.atomic():
                return create(number)
        except IntegrityError:
            if not Session.objects.filter(number=number).exists():
                raise
    raise IntegrityError(f"{TRIES} numbers were taken by others, one after the other")
