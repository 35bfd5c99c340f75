"""Translation of the exchange's terms: listings to contracts, times to the gateway's texts."""

import math
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from brokerage.simulator.holidays import ET
from brokerage.simulator.listings import Listing, Listings
from brokerage.simulator.market import Bar
from brokerage.simulator.refusals import RequestError
from brokerage.tws.messages import Contract, WireBar

ZONE_TEXT = "US/Eastern"  # what a real gateway writes; every client can resolve it
NO_DEFINITION = (200, "No security definition has been found for the request")
HALF_A_MICROSECOND = 5e-7  # seconds; what is nearer to the next second belongs to it
FORMATS = ("%Y%m%d %H:%M:%S", "%Y%m%d-%H:%M:%S", "%Y%m%d  %H:%M:%S", "%Y%m%d")


class ContractError(RequestError):
    """A contract that is not listed, or that could be several."""


def wire_contract(listing: Listing, exchange: str | None = None) -> Contract:
    """The contract as a gateway reports it; positions name no exchange."""
    return Contract(
        con_id=listing.con_id,
        symbol=listing.symbol,
        sec_type=listing.sec_type,
        expiry=listing.expiry,
        strike=listing.strike,
        right=listing.right,
        multiplier=listing.multiplier,
        exchange=listing.exchange if exchange is None else exchange,
        primary_exchange=listing.primary_exchange,
        currency=listing.currency,
        local_symbol=listing.local_symbol,
        trading_class=listing.trading_class,
    )


def find(listings: Listings, contract: Contract) -> list[Listing]:
    """All listings that a client's description fits."""
    return listings.find(
        con_id=contract.con_id,
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        expiry=contract.expiry,
        strike=contract.strike,
        right="" if contract.right in {"0", "?"} else contract.right,
        currency=contract.currency,
        exchange=contract.exchange,
        local_symbol=contract.local_symbol,
    )


def resolve(listings: Listings, contract: Contract) -> Listing:
    """The one listing that a description fits; raises ContractError 200 for none or several."""
    found = find(listings, contract)
    if not found:
        raise ContractError(*NO_DEFINITION)
    if len(found) > 1:
        name = contract.symbol or contract.local_symbol
        raise ContractError(200, f"The contract description specified for {name} is ambiguous.")
    return found[0]


def stamp(epoch: float) -> str:
    """`20250425 15:23:54 US/Eastern`."""
    return _stamp(math.floor(epoch + HALF_A_MICROSECOND))


@lru_cache(maxsize=4096)
def _stamp(second: int) -> str:
    local = datetime.fromtimestamp(second, ET)
    return f"{local:%Y%m%d %H:%M:%S} {ZONE_TEXT}"


def parse_stamp(text: str) -> datetime:
    """A client's date and time; New York unless it names a zone or uses the UTC form with a dash.

    Raises ValueError for anything else.
    """
    words = text.strip().rsplit(" ", 1)
    zone: ZoneInfo | None = None
    if len(words) == 2 and not words[1][:1].isdigit():
        text, zone = words[0], _zone(words[1])
    for form in FORMATS:
        try:
            naive = datetime.strptime(text.strip(), form)  # noqa: DTZ007
        except ValueError:
            continue
        return naive.replace(tzinfo=zone or (UTC if "-" in form else ET))
    raise ValueError(f"{text[:40]!r} is not a date and time")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name[:40]!r} is not a time zone") from None


def price_text(price: float) -> float:
    """A price as a tick carries it: −1 when there is none."""
    return -1.0 if math.isnan(price) else round(price, 4)


def wire_bar(bar: Bar, format_date: int) -> WireBar:
    """A bar as text: days as dates, others in New York time or (format 2) as epoch seconds."""
    date = bar.date or (str(int(bar.time)) if format_date == 2 else stamp(bar.time))
    return WireBar(date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count)
