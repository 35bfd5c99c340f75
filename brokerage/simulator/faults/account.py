"""Faults of the login and its account: another account, other positions, another clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults.fault import Fault, FaultError, Incident
from brokerage.simulator.faults.projects import INSYNC, LEAN_IB, NAUTILUS
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway


@dataclass
class WrongAccount(Fault):
    """Who reconnects finds another account, a live one: the login was not what it should be.

    In the incident the settings said paper and the credentials were live ones: real orders.
    Connections that stand are cut, so that every client meets the other account.
    """

    account: str = "U1234567"
    incidents: ClassVar = (
        Incident("antequant/ib-gateway-docker", 6, "paper configured, orders went live"),
        Incident("IbcAlpha/IBC", 29, "the gateway logs into the other mode than asked for"),
    )
    signal: ClassVar = "An account in managedAccts that is not the expected one: send no order."

    def on(self, gateway: "Gateway") -> None:
        """Log in elsewhere."""
        self._before = gateway.levers.accounts
        gateway.levers.accounts = (self.account,)
        gateway.cut_all()

    def off(self, gateway: "Gateway") -> None:
        """Log in as before."""
        gateway.levers.accounts = self._before
        gateway.cut_all()


@dataclass
class PositionChangedElsewhere(Fault):
    """A position changes that nobody here traded: by hand in TWS, on a phone, by another client.

    No order and no execution of this client explains it; the position is pushed once and stays
    when the fault is switched off, as a real one would. It
    comes as if by a transfer: cash and profit stay, so the account's worth moves with it.
    """

    symbol: str = "SPY"
    quantity: float = 100.0
    incidents: ClassVar = (
        Incident(NAUTILUS, 3655, "closed by hand, open for ever in the bot"),
        Incident(NAUTILUS, 1190, "a manual close in TWS was not noticed"),
        Incident(LEAN_IB, 136, "a position seen hours late"),
    )
    signed: ClassVar = frozenset({"quantity"})
    signal: ClassVar = "A position message that no own execution explains: reconcile, then trade."

    def on(self, gateway: "Gateway") -> None:
        """Change the position of the first account and push it; raises FaultError."""
        floor = gateway.venue.floor
        found = floor.listings.find(symbol=self.symbol, sec_type="STK")
        if not found:
            raise FaultError(f"{self.name}: no share called {self.symbol} is listed.")
        account, con_id = floor.account(), found[0].con_id
        position = account.adopt(con_id, self.quantity, floor.market.price(con_id))
        gateway.venue.positions.booked(account.name, position)
        gateway.venue.fills.reserve_anew(account.name, con_id)


@dataclass
class ClockDrift(Fault):
    """The gateway's clock is off by `seconds` and drifts by `per_hour` seconds an hour.

    Orders are stamped with the bot's clock and fills with the broker's; bars that a bot builds
    by its own clock end at other moments than the broker's.
    """

    seconds: float = 5.0
    per_hour: float = 0.0
    incidents: ClassVar = (
        Incident("pst-group/pysystemtrade", 732, "order and fill stamps of two clocks"),
        Incident("vnpy/vnpy", 127, "ticks stamped locally: bars do not fit the history"),
        Incident(INSYNC, 494, "local time put for the broker's"),
    )
    signed: ClassVar = frozenset({"seconds", "per_hour"})
    signal: ClassVar = "reqCurrentTime differs from an own clock by more than the network's delay."

    def on(self, gateway: "Gateway") -> None:
        """Begin to drift."""
        self._since = gateway.clock.time()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """The time that this clock shows."""
        if not isinstance(message, tws.CurrentTime):
            return (message,)
        hours = (self.gateway.clock.time() - self._since) / 3600.0
        return (tws.CurrentTime(round(message.epoch + self.seconds + self.per_hour * hours)),)
