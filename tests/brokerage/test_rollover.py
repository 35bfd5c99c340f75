"""The weekly expiry is proposed by rule, and only when the broker lists it."""

from dataclasses import dataclass
from datetime import date

import pytest

from brokerage.calendar import ET, next_weekly_expiry, weekly_expiries
from brokerage.gateway import connect, simulation
from brokerage.rollover import Expiry, ExpiryNotListedError, decide, propose
from brokerage.terms import Chain
from tests.databases import Database

LISTED = ("20260213", "20260220", "20260402", "20260410")
SUNDAY, GOOD_WEEK = date(2026, 2, 8), date(2026, 3, 30)


def chain(*expirations: str, strikes: tuple[float, ...] = (600.0, 605.0)) -> Chain:
    return Chain("SPY", 756733, "SPY", 100, expirations, strikes)


@dataclass
class Contract:
    symbol: str = "SPY"
    expiry: str = "20260206"


class Broker:
    """A desk that knows one chain."""

    async def chain(self, symbol: str) -> Chain:
        assert symbol == "SPY"
        return chain(*LISTED)


async def test_the_rules_expiry_is_proposed_when_the_broker_lists_it() -> None:
    found = await propose(Broker(), SUNDAY, Contract())
    assert (found.code, found.configured, found.changed) == ("20260213", "20260206", True)
    assert found.reason == (
        "On Sunday 2026-02-08 the next weekly expiry is Friday 2026-02-13. The broker lists it."
    )


def test_a_configuration_that_is_current_does_not_change() -> None:
    assert not decide(SUNDAY, "20260213", chain(*LISTED)).changed


def test_a_closed_friday_moves_the_expiry_and_says_so() -> None:
    found = decide(GOOD_WEEK, "", chain(*LISTED))
    assert found.code == "20260402"
    assert "Thursday 2026-04-02, as the exchange is closed that Friday" in found.reason


@pytest.mark.parametrize(
    ("day", "monthly"),
    [
        (date(2026, 2, 20), True),
        (date(2026, 2, 13), False),
        (date(2026, 2, 27), False),
        (date(2026, 6, 18), True),
        (date(2026, 5, 15), True),
        (date(2027, 1, 22), False),
    ],
)
def test_a_monthly_coincidence_is_noted(day: date, monthly: bool) -> None:
    assert Expiry(day, "", "").monthly is monthly
    if monthly and day.month == 2:
        assert "monthly" in decide(date(2026, 2, 16), "", chain(*LISTED)).reason


def test_an_expiry_that_the_broker_does_not_list_is_refused_with_the_nearest() -> None:
    with pytest.raises(ExpiryNotListedError, match="20260213") as error:
        decide(SUNDAY, "", chain("20260212", "20260227", "20260320", "20260417", "20270115"))
    assert "20260212, 20260227, 20260320, 20260417." in error.value.why
    assert error.value.do


@pytest.mark.parametrize("empty", [chain(), chain(*LISTED, strikes=())])
def test_an_empty_chain_verifies_nothing(empty: Chain) -> None:
    with pytest.raises(ExpiryNotListedError):
        decide(SUNDAY, "", empty)


async def test_the_simulated_gateway_lists_the_next_eight_weekly_expiries(
    sqlite_file: Database,
) -> None:
    async with simulation() as gateway, connect(gateway.target) as desk:
        today = desk.now().astimezone(ET).date()
        found = await propose(desk, today, Contract())
        listed = (await desk.chain("SPY")).expirations
    assert found.day == next_weekly_expiry(today)
    assert {f"{day:%Y%m%d}" for day in weekly_expiries(today, 8)} <= set(listed)
