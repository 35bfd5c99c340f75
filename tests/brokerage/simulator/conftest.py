"""A quiet Saturday at the simulated exchange: a clock moved by hand, listings, a market, a book."""

from datetime import UTC, datetime

import pytest

from brokerage.simulator.account import Account
from brokerage.simulator.clock import ManualClock
from brokerage.simulator.listings import Listings
from brokerage.simulator.market import Market
from brokerage.simulator.matching import Book

SATURDAY = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SATURDAY)


@pytest.fixture
def listings(clock: ManualClock) -> Listings:
    return Listings(clock)


@pytest.fixture
def market(listings: Listings, clock: ManualClock) -> Market:
    return Market(listings, clock, seed=7)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def prices() -> dict[int, float]:
    """What the account values its positions at; tests move them."""
    return {}


@pytest.fixture
def account(listings: Listings, prices: dict[int, float]) -> Account:
    return Account("DU1234567", listings, prices.__getitem__)
