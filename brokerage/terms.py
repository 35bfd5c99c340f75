"""The words the port speaks: targets, contracts, quotes, bars, orders, fills; plain data."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from math import isfinite, nan
from typing import Literal

from brokerage.bounds import HOUSE, Bounds
from brokerage.errors import ErrorClass

SIMULATED, PAPER = "SIMULATED", "PAPER"
LIVE_PORTS = frozenset({4001, 7496})
PAPER_PORTS = frozenset({4002, 7497})
LOOPBACK = "127.0.0.1"
THIS_MACHINE = frozenset({LOOPBACK, "localhost"})
# Paper accounts begin with D and one or two more letters: DU, DF, DI, DUM and the like.
PAPER_ACCOUNT = re.compile(r"D[A-Z]{1,2}[0-9]{1,12}")
LIVE_DATA = 1
DATA_TYPES = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed and frozen"}
Side = Literal["BUY", "SELL"]
Purpose = Literal["TEST", "CLEANUP"]
# What an order is for: to be filled, to rest until it is cancelled, or to be refused.
Aim = Literal["FILL", "REST", "REJECT"]


@dataclass(frozen=True)
class Target:
    """Where a gateway listens and how fast its clock runs; `Endpoint.target()` builds it."""

    name: str
    host: str
    port: int
    kind: str
    speed: float = 1.0
    expected_account: str = ""
    always_open: bool = False
    endpoint_id: int | None = None
    control_port: int | None = None  # where the faults of a simulated gateway are switched
    contradiction: str = ""  # why no account can be the expected one: then nothing connects
    bounds: Bounds = HOUSE
    through: int | None = None  # port of a relay on this machine that stands before the gateway

    def expecting(self, account: str) -> "Target":
        """Return the target held to the account that a configuration names, if it names one.

        Where the target itself expects another, neither is taken for right.
        """
        if account and self.expected_account not in {"", account}:
            text = f"{self.name} expects {self.expected_account}, the configuration {account}."
            return replace(self, contradiction=text)
        return replace(self, expected_account=account or self.expected_account)

    @property
    def socket(self) -> tuple[str, int]:
        """Host and port to connect to: the gateway's own, or those of the relay before it."""
        return (self.host, self.port) if self.through is None else ("127.0.0.1", self.through)

    @property
    def address(self) -> str:
        """Host and port, as people write them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class PaperProof:
    """That every account the gateway named is a paper account; `at` is real, monotonic seconds."""

    accounts: tuple[str, ...]
    at: float
    proved_at: datetime


@dataclass(frozen=True)
class BrokerMessage:
    """One error, warning or notice of the gateway, with the gateway's time and our class of it."""

    at: datetime
    code: int
    text: str
    req_id: int
    cls: ErrorClass


@dataclass(frozen=True)
class ContractSpec:
    """What we look for; `qualify` finds the one contract that it means. ETF is an alias of STK."""

    symbol: str
    sec_type: str = "STK"
    exchange: str = "SMART"
    currency: str = "USD"
    expiry: str = ""
    strike: float = 0.0
    right: str = ""


@dataclass(frozen=True)
class Contract:
    """A contract as the broker defines it; expiry YYYYMMDD, right C or P, else empty."""

    con_id: int
    symbol: str
    sec_type: str = "STK"
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: int = 1
    exchange: str = "SMART"
    primary_exchange: str = ""
    currency: str = "USD"
    local_symbol: str = ""
    trading_class: str = ""
    min_tick: float = 0.01
    long_name: str = ""

    @property
    def is_option(self) -> bool:
        """Whether this is an option."""
        return self.sec_type == "OPT"

    @property
    def is_index(self) -> bool:
        """Whether this is an index: it has a level, and nobody can trade it."""
        return self.sec_type == "IND"

    @property
    def label(self) -> str:
        """The contract in a few words, for people."""
        if self.is_option:
            return f"{self.symbol} {self.expiry} {self.strike:g} {self.right}"
        return self.symbol


@dataclass(frozen=True)
class Chain:
    """The option chain of one underlying: expirations YYYYMMDD and strikes, both ascending."""

    symbol: str
    under_con_id: int
    trading_class: str
    multiplier: int
    expirations: tuple[str, ...]
    strikes: tuple[float, ...]


@dataclass(frozen=True)
class Quote:
    """A snapshot: only what arrived after the request; prices are nan where nothing did.

    `exchange_time` comes from the exchange's own time ticks (None when there was none),
    `received_at` is the gateway's time on arrival; `snapshot_ms` is real milliseconds.
    """

    contract: Contract
    bid: float = nan
    ask: float = nan
    last: float = nan
    bid_size: float = nan
    ask_size: float = nan
    exchange_time: datetime | None = None
    received_at: datetime | None = None
    data_type: int = 1
    snapshot_ms: float = 0.0

    @property
    def quality(self) -> Literal["OK", "INCOMPLETE", "CROSSED"]:
        """INCOMPLETE unless bid and ask are usable; CROSSED when the ask is below the bid."""
        if not (usable(self.bid) and usable(self.ask)):
            return "INCOMPLETE"
        return "CROSSED" if self.ask < self.bid else "OK"

    @property
    def mid(self) -> float:
        """Half way between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> float:
        """Ask less bid."""
        return self.ask - self.bid

    @property
    def time_source(self) -> Literal["exchange", "receipt", "none"]:
        """Which time the age is measured by.

        The exchange's time is that of the last trade: of an option, which trades now and then, it
        says nothing about the quote.
        """
        if self.exchange_time is not None and not self.contract.is_option:
            return "exchange"
        return "receipt" if self.received_at is not None else "none"

    def age(self, now: datetime) -> float:
        """Seconds since the exchange's time, else since receipt; infinite without either."""
        at = self.exchange_time if self.time_source == "exchange" else self.received_at
        return float("inf") if at is None else (now - at).total_seconds()


def place(host: str) -> str:
    """Return a host's name; this machine has several."""
    return LOOPBACK if host in THIS_MACHINE else host


def usable(price: float) -> bool:
    """Say whether a price is one: finite and above zero (the broker sends -1 for none)."""
    return isfinite(price) and price > 0


@dataclass(frozen=True)
class Tick:
    """One update of a stream: session seconds since it began, the exchange's time, and a price."""

    at_session_s: float
    exchange_time: datetime | None
    price: float
    kind: Literal["bid", "ask", "last"] = "last"


@dataclass(frozen=True)
class Bar:
    """One historical bar; `at` is its start, aware."""

    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Summary:
    """The account's figures by tag, those that are numbers, in its base currency."""

    account: str
    currency: str
    values: dict[str, float]


@dataclass(frozen=True)
class Position:
    """A holding as the broker reports it; average cost includes the multiplier."""

    con_id: int
    symbol: str
    sec_type: str
    right: str
    quantity: float
    avg_cost: float
    expiry: str = ""
    strike: float = 0.0
    account: str = ""
    local_symbol: str = ""
    multiplier: int = 1


@dataclass(frozen=True)
class Intent:
    """An order we want; `key` makes it unique for ever, `ref` says for whom it is (orderRef)."""

    key: str
    contract: Contract
    side: Side
    quantity: float
    order_type: Literal["LMT", "MKT"] = "LMT"
    limit_price: float = nan
    tif: str = "DAY"
    ref: str = ""
    purpose: Purpose = "TEST"
    reduce_only: bool = False
    aim: Aim = "FILL"


@dataclass(frozen=True)
class WorkingOrder:
    """An order that the broker lists as open, of any client."""

    order_id: int
    client_id: int
    perm_id: int
    ref: str
    con_id: int
    symbol: str
    side: str
    quantity: float
    order_type: str
    limit_price: float
    status: str
    local_symbol: str = ""


@dataclass(frozen=True)
class CompletedOrder:
    """An order that has ended today; the broker tells no other id of it than the permanent one."""

    perm_id: int
    ref: str
    status: str
    filled: float
    con_id: int = 0
    symbol: str = ""
    side: str = ""
    quantity: float = 0.0
    order_type: str = ""
    limit_price: float = 0.0
    local_symbol: str = ""


@dataclass(frozen=True)
class Fill:
    """One execution; `commission` is None until the broker has reported it."""

    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    ref: str
    con_id: int
    symbol: str
    side: Side
    quantity: float
    price: float
    at: datetime
    commission: float | None = None
    currency: str = ""
    realized: float | None = None
    contract: Contract | None = None


@dataclass(frozen=True)
class WhatIf:
    """What the broker says an order would do; `refused` holds its code and text if it would not."""

    init_margin_change: float = nan
    maint_margin_change: float = nan
    equity_with_loan_after: float = nan
    init_margin_after: float = nan
    commission: float = nan
    warning: str = ""
    refused: tuple[int, str] | None = None


@dataclass(frozen=True)
class RateReport:
    """How a burst of requests went: session seconds, and the fullest one-second window."""

    sent: int
    answered: int
    total_s: float
    max_in_second: int
    rate_errors: int
    sent_at: tuple[float, ...] = field(default=(), repr=False)


class OrderState(StrEnum):
    """The life of an own order: one path from INTENT to an end state."""

    INTENT = "INTENT"
    REFUSED = "REFUSED"
    SUBMITTING = "SUBMITTING"
    SUBMITTED = "SUBMITTED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    REJECTED = "REJECTED"
    CANCEL_PENDING = "CANCEL_PENDING"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    NO_RESPONSE = "NO_RESPONSE"


TERMINAL = frozenset(
    {OrderState.REFUSED, OrderState.FILLED, OrderState.REJECTED, OrderState.CANCELLED}
)
WORKING = frozenset(OrderState) - TERMINAL - {OrderState.INTENT}
