"""What is listed: eight shares and funds, and their option chains, the same in every run."""

from dataclasses import dataclass
from datetime import date

from brokerage.simulator.clock import Clock


@dataclass(frozen=True)
class Listing:
    """One instrument; prices in `currency` per unit, option strikes per share."""

    con_id: int
    symbol: str
    sec_type: str  # STK or OPT
    expiry: str = ""  # YYYYMMDD
    strike: float = 0.0
    right: str = ""  # C or P
    multiplier: str = ""
    exchange: str = "SMART"
    primary_exchange: str = ""
    currency: str = "USD"
    local_symbol: str = ""
    trading_class: str = ""
    min_tick: float = 0.01
    long_name: str = ""
    under_con_id: int = 0
    valid_exchanges: str = ""
    order_types: str = ""

    @property
    def units(self) -> float:
        """Shares that one contract stands for."""
        return float(self.multiplier or 1)


@dataclass(frozen=True)
class Chain:
    """The option chain of one underlying: expirations as YYYYMMDD and strikes, both ascending."""

    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: list[str]
    strikes: list[float]


class Listings:
    """Finds listings; option chains are computed from the clock's date, never stored."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def find(
        self,
        *,
        con_id: int = 0,
        symbol: str = "",
        sec_type: str = "",
        expiry: str = "",
        strike: float = 0.0,
        right: str = "",
        currency: str = "",
        exchange: str = "",
        local_symbol: str = "",
    ) -> list[Listing]:
        """Every listing that agrees with all that is given; empty: error 200; several: ambiguous."""
        raise NotImplementedError

    def chain(self, symbol: str) -> Chain:
        """The option chain of an underlying; raises KeyError for a symbol that is not listed."""
        raise NotImplementedError

    def by_id(self, con_id: int) -> Listing | None:
        """The listing with this contract id (also of an expired option), or None."""
        raise NotImplementedError

    def underlying(self, listing: Listing) -> Listing:
        """The share behind an option; the listing itself for a share."""
        raise NotImplementedError

    def matching(self, pattern: str) -> list[Listing]:
        """Shares whose symbol begins with, or whose name contains, the pattern."""
        raise NotImplementedError

    def today(self) -> date:
        """The simulated date in New York."""
        raise NotImplementedError
