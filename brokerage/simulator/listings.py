"""What is listed: eight shares and funds, their option chains and an index, always the same."""

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from brokerage.simulator.clock import Clock
from brokerage.simulator.expirations import expirations, last_trade
from brokerage.simulator.holidays import DAY, new_york_date

BAND = 0.20  # strikes reach so far from the reference price on both sides
EXCHANGES = "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,BATS,IEX"
OPTION_EXCHANGES = "SMART,AMEX,CBOE,PHLX,PSE,ISE,BOX,BATS,NASDAQOM,MIAX"
ORDER_TYPES = "ACTIVETIM,DAY,GTC,IOC,FOK,LMT,MKT,STP,STPLMT,WHATIF"

# An option's contract id carries its terms: 1 | symbol (3 bits) | day (13) | strike (12) | right.
OPTION_BASE = 1 << 29
EPOCH = date(2020, 1, 1)
A_YEAR = timedelta(days=365)  # that is how long before its end an option is listed
STRIKE_UNIT = 0.5
KEPT_SEARCHES = 4096


# Price increments by market rule: from this price on, so many dollars. Options of the three funds
# are quoted in cents throughout, those of the shares in cents below three dollars (penny program).
CENTS, PENNY_PROGRAM = 26, 32
RULES = {CENTS: ((0.0, 0.01),), PENNY_PROGRAM: ((0.0, 0.01), (3.0, 0.05))}
IN_CENTS = ("SPY", "QQQ", "IWM")


@dataclass(frozen=True)
class Listing:
    """One instrument; prices in `currency` per unit, option strikes per share."""

    con_id: int
    symbol: str
    sec_type: str  # STK, OPT or IND
    expiry: str = ""  # YYYYMMDD
    strike: float = 0.0
    right: str = ""  # C or P
    multiplier: str = ""
    exchange: str = "SMART"
    primary_exchange: str = ""
    currency: str = "USD"
    local_symbol: str = ""
    trading_class: str = ""
    min_tick: float = 0.01  # the smallest price increment there is; see `tick`
    rule: int = CENTS  # price increments, by RULES
    long_name: str = ""
    under_con_id: int = 0
    valid_exchanges: str = ""
    order_types: str = ORDER_TYPES
    stock_type: str = ""
    business: tuple[str, str, str] = ("", "", "")  # industry, category, subcategory
    isin: str = ""
    first_day: date = EPOCH  # of its history

    @property
    def extended(self) -> bool:
        """Whether it is quoted outside regular hours too: a share is."""
        return self.sec_type == "STK"

    @property
    def units(self) -> float:
        """Shares that one contract stands for."""
        return float(self.multiplier or 1)

    def tick(self, price: float) -> float:
        """The price increment at a price, in dollars."""
        found = 0.0
        for edge, step in RULES[self.rule]:
            if not edge or edge <= price:
                found = step
        return found


@dataclass(frozen=True)
class Chain:
    """The option chain of one underlying: expirations as YYYYMMDD and strikes, both ascending."""

    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: list[str]
    strikes: list[float]


@dataclass(frozen=True)
class Profile:
    """How an underlying behaves in the model; volatilities per year."""

    con_id: int
    price: float  # reference level around which the path moves
    realized: float  # volatility of the path
    implied: float  # volatility that options are priced with
    activity: float  # share of the four ticks a second on which it trades
    strike_step: float
    primary_exchange: str
    long_name: str
    isin: str
    first_day: str  # of its history, YYYYMMDD
    business: tuple[str, str, str] = ("", "", "")  # industry, category, subcategory; funds: none


# The implied volatilities are well above the realized ones on purpose: a call 2 to 5 % out of
# the money must cost between 0.10 and 5.00 from the eve of its expiry to nine days before it.
TECHNOLOGY, NETS = "Technology", ("Communications", "Internet")
PROFILES = {
    "SPY": Profile(
        756733, 685.0, 0.14, 0.32, 0.80, 1.0, "ARCA",
        "SPDR S&P 500 ETF TRUST", "US78462F1030", "19930129",
    ),
    "QQQ": Profile(
        320227571, 612.0, 0.18, 0.34, 0.80, 1.0, "NASDAQ",
        "INVESCO QQQ TRUST SERIES 1", "US46090E1038", "19990310",
    ),
    "IWM": Profile(
        9579970, 248.0, 0.20, 0.36, 0.75, 1.0, "ARCA",
        "ISHARES RUSSELL 2000 ETF", "US4642876555", "20000526",
    ),
    "AAPL": Profile(
        265598, 268.0, 0.22, 0.38, 0.60, 2.5, "NASDAQ",
        "APPLE INC", "US0378331005", "19801212", (TECHNOLOGY, "Computers", "Computers"),
    ),
    "MSFT": Profile(
        272093, 478.0, 0.20, 0.38, 0.55, 2.5, "NASDAQ",
        "MICROSOFT CORP", "US5949181045", "19860313",
        (TECHNOLOGY, "Software", "Applications Software"),
    ),
    "TSLA": Profile(
        76792991, 405.0, 0.30, 0.45, 0.70, 2.5, "NASDAQ",
        "TESLA INC", "US88160R1014", "20100629",
        ("Consumer, Cyclical", "Auto Manufacturers", "Auto-Cars/Light Trucks"),
    ),
    "GOOGL": Profile(
        208813719, 292.0, 0.24, 0.38, 0.55, 2.5, "NASDAQ",
        "ALPHABET INC-CL A", "US02079K3059", "20040819", (*NETS, "Web Portals/ISP"),
    ),
    "AMZN": Profile(
        3691937, 222.0, 0.26, 0.40, 0.55, 2.5, "NASDAQ",
        "AMAZON.COM INC", "US0231351067", "19970515", (*NETS, "E-Commerce/Products"),
    ),
}  # fmt: skip
SYMBOLS = tuple(PROFILES)
SHARES = {
    profile.con_id: Listing(
        con_id=profile.con_id,
        symbol=symbol,
        sec_type="STK",
        primary_exchange=profile.primary_exchange,
        local_symbol=symbol,
        trading_class="NMS" if profile.primary_exchange == "NASDAQ" else symbol,
        long_name=profile.long_name,
        valid_exchanges=EXCHANGES,
        stock_type="COMMON" if profile.business[0] else "ETF",
        business=profile.business,
        isin=profile.isin,
        first_day=date.fromisoformat(profile.first_day),
    )
    for symbol, profile in PROFILES.items()
}

# As a real gateway describes it: neither a primary exchange nor a trading class, and no orders.
VIX = Listing(
    con_id=13455763,
    symbol="VIX",
    sec_type="IND",
    exchange="CBOE",
    local_symbol="VIX",
    long_name="CBOE Volatility Index",
    valid_exchanges="CBOE",
    order_types="",
    business=("Indices", "Volatility Index", "*"),
    first_day=date(1990, 1, 2),
)
INDICES = {VIX.con_id: VIX}
WITHOUT_END = SHARES | INDICES  # what does not expire, by contract id


def option(symbol: str, expiry: str, strike: float, right: str) -> Listing:
    """The option with these terms, listed or not; the contract id follows from the terms."""
    day = (date.fromisoformat(expiry) - EPOCH).days
    terms = SYMBOLS.index(symbol) << 26 | day << 13 | round(strike / STRIKE_UNIT) << 1
    share = SHARES[PROFILES[symbol].con_id]
    return replace(
        share,
        con_id=OPTION_BASE | terms | (right == "P"),
        sec_type="OPT",
        expiry=expiry,
        strike=strike,
        right=right,
        multiplier="100",
        primary_exchange="",
        local_symbol=f"{symbol:<6}{expiry[2:]}{right}{round(strike * 1000):08d}",
        trading_class=symbol,
        under_con_id=share.con_id,
        valid_exchanges=OPTION_EXCHANGES,
        rule=CENTS if symbol in IN_CENTS else PENNY_PROGRAM,
        stock_type="",
        isin="",
        first_day=date.fromisoformat(expiry) - A_YEAR,
    )


def expires(listing: Listing) -> float:
    """When an option ceases to trade, in epoch seconds; infinity for anything else."""
    if listing.sec_type != "OPT":
        return math.inf
    return last_trade(date.fromisoformat(listing.expiry))


@lru_cache(maxsize=8192)
def by_id(con_id: int) -> Listing | None:
    """The listing with this contract id (also of an expired option), or None."""
    if con_id in WITHOUT_END:
        return WITHOUT_END[con_id]
    if con_id & ~(OPTION_BASE - 1) != OPTION_BASE:
        return None
    symbol, day = SYMBOLS[con_id >> 26 & 7], EPOCH + timedelta(days=con_id >> 13 & 0x1FFF)
    strike, right = (con_id >> 1 & 0xFFF) * STRIKE_UNIT, "P" if con_id & 1 else "C"
    if strike not in strikes(symbol):
        return None
    return option(symbol, day.strftime("%Y%m%d"), strike, right)


@lru_cache(maxsize=8192)
def listed(con_id: int) -> Listing:
    """The same; raises KeyError for an id that no contract ever had."""
    found = by_id(con_id)
    if found is None:
        raise KeyError(con_id)
    return found


@lru_cache(maxsize=len(PROFILES))
def strikes(symbol: str) -> tuple[float, ...]:
    """Listed strikes of an underlying, the same for each expiration."""
    profile = PROFILES[symbol]
    first = round(profile.price * (1 - BAND) / profile.strike_step)
    last = round(profile.price * (1 + BAND) / profile.strike_step)
    return tuple(step * profile.strike_step for step in range(first, last + 1))


Terms = tuple[str, str, float, str, str, str]  # symbol, type, strike, right, currency, local symbol


def _terms(listing: Listing) -> Terms:
    """What a search may name, in the order of `Terms`."""
    return (
        listing.symbol,
        listing.sec_type,
        listing.strike,
        listing.right,
        listing.currency,
        listing.local_symbol,
    )


class Listings:
    """Finds listings; option chains are computed from the clock's date, never stored."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._on = lru_cache(KEPT_SEARCHES)(self._search)

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
        """Every listing that agrees with all that is given; empty: error 200; several: ambiguous.

        `expiry` may be a month (YYYYMM), `right` C, P, CALL or PUT. Without a symbol, local
        symbol or id nothing is found.
        """
        wanted = (symbol, sec_type, strike, right[:1], currency, local_symbol)
        return list(self._on(self.expiring_from(), con_id, wanted, expiry, exchange))

    def _search(
        self, since: date, con_id: int, wanted: Terms, expiry: str, exchange: str
    ) -> tuple[Listing, ...]:
        """What is found on a day: remembered, since every order asks for the same few."""
        symbol, sec_type, _, _, _, local_symbol = wanted
        return tuple(
            replace(listing, exchange=exchange or listing.exchange)
            for listing in self._candidates(con_id, symbol, sec_type, local_symbol, expiry)
            if all(
                value in ("", 0.0, mine)
                for value, mine in zip(wanted, _terms(listing), strict=True)
            )
            and listing.expiry.startswith(expiry)
            and (not exchange or exchange in listing.valid_exchanges.split(","))
        )

    def _candidates(
        self, con_id: int, symbol: str, sec_type: str, local_symbol: str, expiry: str
    ) -> list[Listing]:
        if con_id:
            listing = by_id(con_id)
            return [listing] if listing and self._is_listed(listing) else []
        name = symbol or local_symbol[:6].strip()
        if name not in PROFILES:
            return [index for index in INDICES.values() if index.symbol == name]
        if sec_type == "OPT" or (not sec_type and local_symbol[6:]):
            return self._options(name, expiry or _expiry_in(local_symbol))
        return [SHARES[PROFILES[name].con_id]]

    def _is_listed(self, listing: Listing) -> bool:
        return listing.con_id in WITHOUT_END or listing.expiry in expirations(self.expiring_from())

    def _options(self, symbol: str, expiry: str) -> list[Listing]:
        return [
            listing
            for day in expirations(self.expiring_from())
            if day.startswith(expiry)
            for listing in _expiring(symbol, day)
        ]

    def chain(self, symbol: str) -> Chain:
        """The option chain of an underlying; raises KeyError for a symbol that is not listed."""
        return Chain(
            under_con_id=PROFILES[symbol].con_id,
            trading_class=symbol,
            multiplier="100",
            expirations=list(expirations(self.expiring_from())),
            strikes=list(strikes(symbol)),
        )

    def by_id(self, con_id: int) -> Listing | None:
        """The listing with this contract id (also of an expired option), or None."""
        return by_id(con_id)

    # The same; raises KeyError for an id that no contract ever had.
    listed = staticmethod(listed)

    def underlying(self, listing: Listing) -> Listing:
        """The share behind an option; the listing itself for anything else."""
        return SHARES[listing.under_con_id] if listing.under_con_id else listing

    def with_isin(self, isin: str) -> list[Listing]:
        """The share with this international number, or nothing."""
        return [share for share in SHARES.values() if share.isin == isin]

    def matching(self, pattern: str) -> list[Listing]:
        """Shares and indices whose symbol begins with, or whose name contains, the pattern."""
        text = pattern.strip().upper()
        return [
            one
            for one in WITHOUT_END.values()
            if text and (one.symbol.startswith(text) or text in one.long_name.upper())
        ]

    def expiring_from(self) -> date:
        """The first date whose options trade still: tomorrow, once those of today have expired."""
        now, today = self.clock.time(), self.today()
        return today if now < last_trade(today) else today + DAY

    def today(self) -> date:
        """The simulated date in New York."""
        return new_york_date(self.clock.time())


def _expiry_in(local_symbol: str) -> str:
    """The expiration that an option's local symbol names, `SPY   261127C00680000`, if it does."""
    return f"20{local_symbol[6:12]}" if local_symbol[6:] else ""


@lru_cache(maxsize=512)
def _expiring(symbol: str, expiry: str) -> tuple[Listing, ...]:
    return tuple(
        option(symbol, expiry, strike, right) for strike in strikes(symbol) for right in "CP"
    )
