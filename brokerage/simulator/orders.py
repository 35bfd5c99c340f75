"""An order, a fill and a refusal as the exchange knows them: what matching and the desks share."""

import math
from dataclasses import dataclass

from brokerage.simulator.refusals import RequestError

Key = tuple[int, int]  # client id, order id

SIDES = ("BUY", "SELL")
LIMITED = frozenset({"LMT", "STP LMT", "LIT", "TRAIL LIMIT", "LOC"})
STOPPED = frozenset({"STP", "STP LMT"})  # wait for a price that is worse than the market's
TOUCHED = frozenset({"MIT", "LIT"})  # wait for a price that is better than the market's
TRAILING = frozenset({"TRAIL", "TRAIL LIMIT"})
TRIGGERED = STOPPED | TOUCHED | TRAILING
AUCTION = frozenset({"MOC", "LOC"})  # accepted and never filled: paper trading knows no auction
ORDER_TYPES = frozenset({"MKT", "LMT"}) | TRIGGERED | AUCTION
IMMEDIATE = frozenset({"IOC", "FOK"})
TIMES_IN_FORCE = ("DAY", "GTC", "IOC", "FOK", "GTD")
WORKING = frozenset({"PreSubmitted", "Submitted"})
LEAST = 1e-9  # of a unit; less than that remains of floats alone


class OrderError(RequestError):
    """An order, change or cancel that is refused."""


@dataclass
class SimOrder:
    """One order as the exchange sees it; the book alone changes the fields after `submitted_at`.

    Prices in dollars, `trail_percent` in percent, times in epoch seconds of simulated time.
    """

    key: Key
    con_id: int
    side: str  # BUY or SELL
    quantity: float
    order_type: str = "LMT"
    limit_price: float = 0.0
    stop_price: float = 0.0  # where a stop or an if-touched order wakes up; a trail's present stop
    tif: str = "DAY"
    account: str = ""
    perm_id: int = 0
    ref: str = ""
    trail_amount: float = 0.0
    trail_percent: float = 0.0
    limit_offset: float = 0.0  # of a TRAIL LIMIT, between its stop and its limit
    oca_group: str = ""
    oca_type: int = 3  # 1 cancels the others, 2 reduces them, 3 reduces them a moment later
    parent: Key | None = None
    all_or_none: bool = False
    min_quantity: float = 0.0  # that its first fill must have at least
    cancels_parent: bool = False  # when it is cancelled itself
    outside_rth: bool = False
    good_after: float = 0.0
    good_till: float = math.inf
    submitted_at: float = 0.0

    filled: float = 0.0
    average_price: float = 0.0
    last_price: float = 0.0
    status: str = "Submitted"  # PreSubmitted, Submitted, Filled, Cancelled, Inactive
    sequence: int = 0  # time priority
    attached: bool = False  # to a parent that has not filled yet
    triggered: bool = False

    @property
    def remaining(self) -> float:
        """What is not filled yet."""
        return self.quantity - self.filled

    @property
    def least(self) -> float:
        """What its next fill must have at least: all, or a minimum with which it begins."""
        if self.tif == "FOK" or self.all_or_none:
            return self.remaining
        return 0.0 if self.filled else min(self.min_quantity, self.remaining)

    @property
    def working(self) -> bool:
        """Whether it can still fill."""
        return self.status in WORKING

    @property
    def waits_for_price(self) -> bool:
        """Whether the market has not reached its trigger yet."""
        return self.order_type in TRIGGERED and not self.triggered

    @property
    def why_held(self) -> str:
        """What a working order waits for, in the gateway's words."""
        if not self.working:
            return ""
        if self.waits_for_price:
            return "child,trigger" if self.attached else "trigger"
        return "child" if self.attached else ""

    @property
    def limit(self) -> float:
        """The worst price it takes: its limit, or any price at all."""
        if self.order_type in LIMITED:
            return self.limit_price
        return math.inf if self.side == "BUY" else -math.inf

    @property
    def sign(self) -> int:
        """1 for a purchase, −1 for a sale."""
        return 1 if self.side == "BUY" else -1

    def takes(self, price: float) -> bool:
        """Whether its limit allows a price; a missing one (nan) never."""
        return price <= self.limit if self.side == "BUY" else price >= self.limit

    def execution(self, exec_id: str, quantity: float, price: float, at: float) -> "Fill":
        """What has just filled of it, once its own figures include that."""
        return Fill(
            exec_id=exec_id,
            key=self.key,
            con_id=self.con_id,
            side=self.side,
            quantity=quantity,
            price=price,
            time=at,
            cumulative=self.filled,
            average_price=self.average_price,
            remaining=self.remaining,
            account=self.account,
            perm_id=self.perm_id,
            ref=self.ref,
        )

    def settle(self) -> None:
        """Say whether it is out in the market or still held back."""
        held = self.attached or self.waits_for_price or self.order_type in AUCTION
        self.status = "PreSubmitted" if held else "Submitted"


@dataclass(frozen=True)
class Fill:
    """One execution of an order; `cumulative`, `average_price` and `remaining` include it."""

    exec_id: str
    key: Key
    con_id: int
    side: str
    quantity: float
    price: float
    time: float
    cumulative: float
    average_price: float
    remaining: float
    account: str = ""
    perm_id: int = 0
    ref: str = ""

    @property
    def signed(self) -> float:
        """The quantity, negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True)
class Change:
    """Something else that matching did to an order.

    `what`: triggered (its price was reached), released (its parent filled), reduced (another of
    its group filled), cancelled (the group or the parent ended), killed (immediate, not filled).
    """

    key: Key
    what: str
