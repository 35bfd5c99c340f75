"""The days on which something moves the whole market, as the desk lists them (decisions C-91)."""

from datetime import date

from django.db import models


class EventDay(models.Model):
    """One event of a day in New York, such as a rate decision; the list may be empty."""

    day = models.DateField()
    name = models.CharField(max_length=80, help_text="For example: FOMC, CPI.")

    class Meta:
        ordering = ["day", "name"]
        constraints = [models.UniqueConstraint(fields=["day", "name"], name="one_event_per_day")]

    def __str__(self) -> str:
        return f"{self.name} on {self.day}"

    @classmethod
    def on(cls, day: date) -> tuple[str, ...]:
        """Return the names of the day's events."""
        return tuple(cls.objects.filter(day=day).values_list("name", flat=True))
