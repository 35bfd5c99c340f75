"""Outages and uptime from a session's log: each loss once, planned ones apart."""

from datetime import datetime

import pytest

from tests.validation.recorded import at
from validation.models import Attempt, LogLine
from validation.outages import Outage, outages, uptime

END = at(100)


def line(
    seconds: float, text: str, *, planned: bool = False, ended: datetime | None = None
) -> LogLine:
    attempt = Attempt(ended_at=ended) if ended else None
    return LogLine(at=at(seconds), source="gateway", message=text, planned=planned, attempt=attempt)


def spans(*lines: LogLine) -> list[tuple[float, float, bool]]:
    """The outages as seconds from the start."""
    found = outages(lines, END, lambda one: one.planned)
    return [
        ((one.starts - at(0)).total_seconds(), (one.ends - at(0)).total_seconds(), one.planned)
        for one in found
    ]


LOST, FOUND = "Disconnected: x", "Connected at attempt 2"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], []),
        ([line(0, FOUND)], []),
        ([line(10, LOST), line(14, FOUND)], [(10, 14, False)]),
        ([line(10, LOST, planned=True), line(14, FOUND)], [(10, 14, True)]),
        ([line(10, LOST), line(11, LOST), line(14, FOUND)], [(10, 14, False)]),
        ([line(10, LOST)], [(10, 100, False)]),
        ([line(10, LOST, ended=at(20))], [(10, 20, False)]),
        ([line(10, LOST, ended=at(20)), line(50, FOUND)], [(10, 20, False)]),
        ([line(1, LOST), line(2, FOUND), line(3, LOST), line(5, FOUND)],
         [(1, 2, False), (3, 5, False)]),
    ],
)  # fmt: skip
def test_each_loss_lasts_until_the_next_connection_or_its_attempts_end(
    lines: list[LogLine], wanted: list[tuple[float, float, bool]]
) -> None:
    assert spans(*lines) == wanted


def test_uptime_is_the_share_without_outage() -> None:
    assert uptime([Outage(at(0), at(25), False)], at(0), at(100)) == 0.75
    assert uptime([], at(0), at(100)) == 1.0
    assert uptime([], at(5), at(5)) is None
