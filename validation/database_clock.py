"""Time as the database tells it: no host's own clock decides who may run a session."""

from datetime import timedelta

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def after(span: timedelta) -> Combinable:
    """Return the moment so much later than the statement that it stands in."""
    return ExpressionWrapper(
        Now() + Value(span, output_field=DurationField()), output_field=DateTimeField()
    )


def left_until(name: str) -> Combinable:
    """Return how long it is from the statement to the moment in this column."""
    return ExpressionWrapper(F(name) - Now(), output_field=DurationField())
