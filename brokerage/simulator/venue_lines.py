"""Lines of market data: what is asked for, what kind of data it gets, and what may be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Phase, Quote
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.tws.messages import ReqMktData

DELAY = 900.0  # seconds by which delayed data lag
GENERIC = {
    100: "Option Volume", 101: "Option Open Interest", 104: "Historical Volatility",
    105: "Average Opt Volume", 106: "impvolat", 165: "Misc. Stats",
    220: "Creditman Mark Price", 221: "Creditman Mark Price", 225: "Auction", 232: "Pl Price",
    233: "RTVolume", 236: "inventory", 258: "Fundamentals", 292: "Wide_news", 293: "TradeCount",
    294: "TradeRate", 295: "VolumeRate", 318: "LastRTHTrade", 375: "RTTrdVolume",
    411: "rthistvol", 456: "IBDividends", 460: "Bond Factor Multiplier", 576: "EtfNavBidAsk",
    577: "EtfNavLast", 578: "EtfNavClose", 586: "IPOHLMPRC", 587: "Pl Price Delayed",
    588: "Futures Open Interest", 595: "Short-Term Volume X Mins", 614: "EtfNavMisc",
    619: "Creditman Slow Mark Price", 623: "EtfFrozenNavLast",
}  # fmt: skip


class Kind(IntEnum):
    """What a client is told about its data."""

    LIVE = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4


FROZEN = frozenset({Kind.FROZEN, Kind.DELAYED_FROZEN})


@dataclass(eq=False)
class Line:
    """One request for quotes; `shown` is the quote that the client has, None before the first."""

    session: Session
    req_id: int
    listing: Listing
    generic: frozenset[int]
    wanted: int  # the type of data that the client had asked for
    delayed: bool  # whether it gets the delayed kinds of ticks
    opened_at: float
    seen_until: float
    kind: Kind = Kind.LIVE
    phase: Phase = Phase.REGULAR
    halted: bool = False
    shown: Quote | None = None
    sent_at: float = 0.0

    @property
    def lag(self) -> float:
        """How many seconds old its data are."""
        return DELAY if self.delayed else 0.0

    @property
    def option(self) -> bool:
        """Whether it has greeks."""
        return self.listing.sec_type == "OPT"

    @property
    def index(self) -> bool:
        """Whether it is calculated only: no bid, no ask, no sizes, no volume, no halts."""
        return self.listing.sec_type == "IND"

    @property
    def blank(self) -> bool:
        """Whether nobody quotes: the exchange is closed and frozen data were not asked for."""
        return self.phase is Phase.CLOSED and self.kind not in FROZEN

    def kind_in(self, phase: Phase) -> Kind:
        """Which kind of data it gets then; frozen only when closed and asked for."""
        frozen = phase is Phase.CLOSED and self.wanted in FROZEN
        if self.delayed:
            return Kind.DELAYED_FROZEN if frozen else Kind.DELAYED
        return Kind.FROZEN if frozen else Kind.LIVE


class Allowance:
    """The login's market-data lines, which quotes and bars of five seconds take up together."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._counts: list[Callable[[], int]] = []

    def count(self, lines: Callable[[], int]) -> None:
        """Lines that somebody has open are lines taken."""
        self._counts.append(lines)

    @property
    def used_up(self) -> bool:
        """Whether there is none left."""
        return sum(lines() for lines in self._counts) >= self._floor.lines


def generic_ticks(text: str) -> frozenset[int]:
    """The numbers in a list of generic ticks; raises ValueError for anything else."""
    words = [word.strip() for word in text.split(",") if word.strip() not in {"", "mdoff"}]
    return frozenset(int(word.partition(":")[0]) for word in words)


def objection(message: ReqMktData, listing: Listing) -> str:
    """Why a list of generic ticks is refused; empty if it is not."""
    try:
        asked = generic_ticks(message.generic_ticks)
        unknown = listing.sec_type == "STK" and asked - GENERIC.keys()
    except ValueError:
        asked, unknown = frozenset(), frozenset({0})
    if unknown:
        legal = ",".join(f"{number}({name})" for number, name in GENERIC.items())
        return (
            f"Incorrect generic tick list of {message.generic_ticks}. "
            f" Legal ones for (STK) are: {legal}"
        )
    if asked and (message.snapshot or message.regulatory):
        return "Snapshot market data subscription is not applicable to generic ticks"
    return ""
