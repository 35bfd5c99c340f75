"""Codes are classed by number, text and whether they name an order."""

import pytest

from brokerage.errors import ErrorClass, GatewayError, classify, meaning, unrecovered

PERMANENT, TRANSIENT = ErrorClass.PERMANENT, ErrorClass.TRANSIENT
RATE_LIMIT, INFORMATIONAL = ErrorClass.RATE_LIMIT, ErrorClass.INFORMATIONAL


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (100, RATE_LIMIT),
        (103, PERMANENT),
        (110, PERMANENT),
        (161, PERMANENT),
        (162, TRANSIENT),
        (200, PERMANENT),
        (201, PERMANENT),
        (326, TRANSIENT),
        (354, PERMANENT),
        (502, TRANSIENT),
        (504, TRANSIENT),
        (1100, TRANSIENT),
        (202, INFORMATIONAL),
        (1101, INFORMATIONAL),
        (2104, INFORMATIONAL),
        (10349, INFORMATIONAL),
        (10148, PERMANENT),
    ],
)
def test_codes_are_classed(code: int, cls: ErrorClass) -> None:
    assert classify(code) is cls


@pytest.mark.parametrize(
    ("code", "text", "cls"),
    [
        (162, "Historical Market Data Service error: API pacing violation", RATE_LIMIT),
        (162, "HMDS query returned no data", PERMANENT),
        (162, "No market data permissions for ISLAND", PERMANENT),
        (162, "API historical data query cancelled: 5", INFORMATIONAL),
        (162, "Trading TWS session is connected from a different IP address", TRANSIENT),
        (322, "Maximum number of account summary requests exceeded", RATE_LIMIT),
        (420, "Invalid Real-time Query: Historical data request pacing violation", RATE_LIMIT),
        (201, "pacing has nothing to do with a rejected order", PERMANENT),
    ],
)
def test_some_codes_say_what_they_are_in_their_text(code: int, text: str, cls: ErrorClass) -> None:
    assert classify(code, text) is cls


def test_an_unknown_code_weighs_more_when_it_names_an_order() -> None:
    assert classify(99999, has_order_id=True) is PERMANENT
    assert classify(99999) is TRANSIENT
    assert classify(2199) is INFORMATIONAL


def test_meanings_are_words() -> None:
    assert meaning(326) == "client id is in use"
    assert "99999" in meaning(99999)


def test_an_error_says_what_why_and_what_to_do() -> None:
    error = GatewayError("It broke.", "It was old.", "Buy another.", code=5)
    assert str(error) == "It broke. It was old. Buy another."
    assert (error.what, error.why, error.do, error.code) == (
        "It broke.",
        "It was old.",
        "Buy another.",
        5,
    )


@pytest.mark.parametrize(
    ("codes", "broken"),
    [
        ([], []),
        ([1100, 1102], []),
        ([2103, 2105, 2106], [2103]),
        ([2103, 2104, 2103], [2103]),
        ([1100, 1100, 2110, 2104], [1100]),
        ([2110, 2104], []),
        ([2104, 2157], [2157]),
    ],
    ids=str,
)
def test_what_broke_stays_broken_until_its_own_recovery(
    codes: list[int], broken: list[int]
) -> None:
    assert unrecovered(codes) == broken
