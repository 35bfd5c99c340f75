"""What the desks of the venue share: time and what is due, the exchange, the clients."""

import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from brokerage.simulator.account import Account
from brokerage.simulator.clock import Clock
from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.ids import Ids
from brokerage.simulator.levers import Levers
from brokerage.simulator.listings import Listing, Listings
from brokerage.simulator.market import Market
from brokerage.simulator.matching import Book
from brokerage.simulator.orders import LIMITED, SimOrder
from brokerage.simulator.rates import LINES, Counting, Pacing, rate_for
from brokerage.simulator.refusals import HOSTILE
from brokerage.simulator.rules import Rules
from brokerage.tws.messages import Error
from brokerage.tws.table import Message

Action = Callable[[], None]

log = logging.getLogger(__name__)


class Agenda:
    """Actions due at simulated times, carried out in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._order = itertools.count()
        self._due: list[tuple[float, int, Action]] = []

    def later(self, seconds: float, action: Action) -> None:
        """Carry out an action so many simulated seconds from now; 0 means: next time round."""
        self.at(self.clock.time() + seconds, action)

    def at(self, due: float, action: Action) -> None:
        """Carry out an action at this simulated time."""
        heapq.heappush(self._due, (due, next(self._order), action))

    def next_due(self) -> float | None:
        """When the next action is due, in epoch seconds of simulated time."""
        return self._due[0][0] if self._due else None

    def is_due(self, until: float) -> bool:
        """Whether there is anything to carry out by then."""
        return bool(self._due) and self._due[0][0] <= until

    def run(self, until: float) -> None:
        """Carry out what is due by then; what these actions add waits for the next time.

        Each sees the time at which it was due, however late it comes. One that chokes on something
        holds up no other.
        """
        known = next(self._order)
        try:
            while self._due and self._due[0][0] <= until and self._due[0][1] < known:
                due, _, action = heapq.heappop(self._due)
                self.clock.hold(due)
                self._carry_out(action)
        finally:
            self.clock.release()

    def _carry_out(self, action: Action) -> None:
        try:
            action()
        except HOSTILE:
            log.exception("what was due at %s", self.clock.now())


@dataclass(eq=False)
class Session:
    """One client that has started its API; `deliver` takes messages, `hang_up` ends it.

    `drained` is called when the messages that had to wait have all been handled.
    """

    client_id: int
    deliver: Callable[[Message], None]
    hang_up: Callable[[], None]
    drained: Callable[[], None] = lambda: None
    data_type: int = 1
    muted: bool = False
    blocked_until: float = 0.0  # simulated time before which nothing of it is handled
    pacing: Pacing = field(default_factory=lambda: Pacing(rate_for(LINES)))
    counting: Counting = field(default_factory=lambda: Counting(rate_for(LINES)))
    backlog: deque[Message] = field(default_factory=deque)
    received: int = 0

    def send(self, message: Message) -> None:
        """Send a message, unless the client hears nothing any more."""
        if not self.muted:
            self.deliver(message)

    def error(self, code: int, text: str, req_id: int = -1) -> None:
        """Send an error; request id −1 concerns the system."""
        self.send(Error(req_id, code, text))


class Floor:
    """The exchange, the accounts and the connected clients."""

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 7,
        levers: Levers | None = None,
        accounts: tuple[str, ...] = ("DU1234567",),
        cash: float = 100_000.0,
        always_open: bool = True,
        lines: int = LINES,
        reject_over_rate: bool = False,
        rules: Rules | None = None,
        data: DataRules | None = None,
        name: str = "",
    ) -> None:
        """`name` sets this gateway's execution ids apart from one with the same seed and start."""
        self.clock, self.levers, self.cash = clock, levers or Levers(), cash
        self.lines, self.reject_over_rate = lines, reject_over_rate
        self.rules, self.data = rules or Rules(), data or DataRules()
        self.agenda = Agenda(clock)
        self.listings = Listings(clock)
        self.market = Market(self.listings, clock, seed, always_open=always_open)
        # No two gateways may give one execution id: whoever records fills tells them apart by it.
        identity = f"{clock.start.timestamp():.3f} {seed} {name}"
        self.ids = Ids(prefix=f"{crc32(identity.encode()):08x}")
        self.book = Book(self.ids.execution_id)
        self.sessions: dict[int, Session] = {}
        self._names = accounts
        self._accounts: dict[str, Account] = {}

    def names(self) -> tuple[str, ...]:
        """The accounts that this login reports."""
        return self.levers.accounts or self._names

    def account(self, name: str = "") -> Account:
        """An account by name, empty: the first; raises KeyError for one that is not reported."""
        names = self.names()
        name = name or names[0]
        if name not in names:
            raise KeyError(name)
        return self.books(name)

    def books(self, name: str) -> Account:
        """The books of an account, reported or not: its orders go on whoever is logged in."""
        if name not in self._accounts:
            price_of, rules = self.market.price, self.rules
            self._accounts[name] = Account(name, self.listings, price_of, self.cash, rules)
        return self._accounts[name]

    def opened(self) -> list[Account]:
        """The accounts that somebody has asked for so far."""
        return list(self._accounts.values())

    def listing(self, con_id: int) -> Listing:
        """The listing with this id; raises KeyError for one that never existed."""
        return self.listings.listed(con_id)

    def unit_price(self, sim: SimOrder) -> float:
        """What an order would cost per unit: its limit, or its stop, or where the market is.

        A stop that the market has passed already costs, or brings, what the market says. What
        the type of the order does not use does not count, whatever a client wrote there.
        """
        if sim.order_type in LIMITED and sim.limit_price:
            return sim.limit_price
        price, worse = self.market.price(sim.con_id), max if sim.side == "BUY" else min
        return worse(sim.stop_price, price) if sim.waits_for_price and sim.stop_price else price

    def session(self, client_id: int) -> Session | None:
        """The connected client with this id, or None."""
        return self.sessions.get(client_id)
