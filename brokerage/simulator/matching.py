"""The order book of the paper engine: fills from the top of the quote, by price and time."""

from dataclasses import dataclass

from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Quote

Key = tuple[int, int]  # client id, order id


class OrderError(Exception):
    """An order, change or cancel that is refused, with IBKR's code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass
class SimOrder:
    """One order as the exchange sees it; the book alone changes the fields after the blank line."""

    key: Key
    con_id: int
    side: str  # BUY or SELL
    quantity: float
    order_type: str = "LMT"  # MKT, LMT, STP, STP LMT
    limit_price: float = 0.0
    stop_price: float = 0.0
    tif: str = "DAY"  # DAY, GTC, IOC, FOK
    account: str = ""
    perm_id: int = 0
    ref: str = ""
    submitted_at: float = 0.0

    filled: float = 0.0
    average_price: float = 0.0
    last_price: float = 0.0
    status: str = "Submitted"  # PreSubmitted (untriggered stop), Submitted, Filled, Cancelled
    sequence: int = 0  # time priority

    @property
    def remaining(self) -> float:
        """What is not filled yet."""
        return self.quantity - self.filled

    @property
    def working(self) -> bool:
        """Whether it can still fill."""
        return self.status in {"PreSubmitted", "Submitted"}


@dataclass(frozen=True)
class Fill:
    """One execution of an order; `cumulative` and `average_price` include it."""

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


def validate(order: SimOrder, listing: Listing) -> None:
    """Raises OrderError: 434 size zero, 110 price off tick, 321 unknown side, type or tif."""
    raise NotImplementedError


class Book:
    """All orders of the gateway, finished ones too."""

    def submit(self, order: SimOrder, listing: Listing) -> None:
        """Accept a valid order; raises OrderError (also 103 for a key seen before)."""
        raise NotImplementedError

    def modify(
        self, key: Key, listing: Listing, *, quantity: float, limit_price: float
    ) -> SimOrder:
        """Change a working order; loses its time priority unless only the quantity shrinks.

        Raises OrderError 104 (filled), 161 (cancelled), 10147 (unknown), 110, 434, 105 (below
        the filled quantity).
        """
        raise NotImplementedError

    def cancel(self, key: Key) -> SimOrder:
        """Cancel a working order; raises OrderError 10147 (unknown), 10148 (filled), 161."""
        raise NotImplementedError

    def match(self, con_id: int, quote: Quote) -> list[Fill]:
        """Fill what the quote allows; the displayed size of one quote is given out once."""
        raise NotImplementedError

    def take_cancelled(self) -> list[SimOrder]:
        """Immediate orders whose rest was cancelled by `match` since the last call."""
        raise NotImplementedError

    def order(self, key: Key) -> SimOrder | None:
        """The order with this key, finished or not."""
        raise NotImplementedError

    def working(self, con_id: int | None = None) -> list[SimOrder]:
        """Working orders, oldest first."""
        raise NotImplementedError

    def contracts(self) -> set[int]:
        """Contracts that have working orders: the ones to match on each step."""
        raise NotImplementedError
