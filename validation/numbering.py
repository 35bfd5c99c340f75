"""The numbers by which people call sessions."""

from django.utils import timezone

from brokerage.calendar import ET
from validation.models import Session


def next_number() -> str:
    """Return the next session number of the exchange's day: prelive_YYYYMMDD_NNN."""
    prefix = f"prelive_{timezone.now().astimezone(ET):%Y%m%d}_"
    last = Session.objects.filter(number__startswith=prefix).order_by("number").last()
    count = int(last.number.removeprefix(prefix)) if last else 0
    return f"{prefix}{count + 1:03d}"
