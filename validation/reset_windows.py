"""The part of the configuration that says when the broker resets its servers (C-22)."""

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from brokerage.resets import WINDOWS, Window
from validation.config_section import Section

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: tuple[Day, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class ResetWindow(Section):
    """A window that begins on each of these days at `starts` (HH:MM, New York)."""

    name: Annotated[str, Field(min_length=3, max_length=80)]
    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    starts: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    minutes: Annotated[int, Field(ge=1, le=1440)]

    @field_validator("days")
    @classmethod
    def _once_each(cls, days: list[Day]) -> list[Day]:
        if len(set(days)) < len(days):
            raise ValueError("a day is named twice")
        return days

    @property
    def window(self) -> Window:
        """The window as the broker's clock has it."""
        days = frozenset(DAYS.index(day) for day in self.days)
        return Window(self.name, days, time.fromisoformat(self.starts), self.minutes)


def _of(window: Window) -> ResetWindow:
    days: list[Day] = [day for place, day in enumerate(DAYS) if place in window.days]
    starts = f"{window.starts:%H:%M}"
    return ResetWindow(name=window.name, days=days, starts=starts, minutes=window.minutes)


def _named_once(windows: list[ResetWindow]) -> list[ResetWindow]:
    """Raise ValueError when a name stands twice."""
    names = [window.name for window in windows]
    if len(set(names)) < len(names):
        raise ValueError("two windows have the same name")
    return windows


# The broker always resets: without any window nothing would keep sessions away from it.
DEFAULT = [_of(window) for window in WINDOWS]
ResetWindows = Annotated[
    list[ResetWindow], Field(min_length=1, max_length=20), AfterValidator(_named_once)
]
