"""Opening hours are written as a real gateway writes them, for the days that come."""

from datetime import date

from brokerage.simulator.trading_hours import hours_text

WEDNESDAY = date(2026, 11, 25)  # before Thanksgiving and the early close after it


def test_extended_hours_with_a_holiday_an_early_close_and_a_weekend():
    assert hours_text(WEDNESDAY, extended=True, always_open=False).split(";") == [
        "20261125:0400-20261125:2000",
        "20261126:CLOSED",
        "20261127:0400-20261127:1700",
        "20261128:CLOSED",
        "20261129:CLOSED",
        "20261130:0400-20261130:2000",
        "20261201:0400-20261201:2000",
    ]


def test_regular_hours():
    text = hours_text(WEDNESDAY, extended=False, always_open=False)
    assert text.startswith(
        "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300"
    )


def test_always_open_has_no_gap():
    text = hours_text(WEDNESDAY, extended=False, always_open=True)
    assert text.startswith("20261125:0000-20261126:0000;20261126:0000-20261127:0000")
