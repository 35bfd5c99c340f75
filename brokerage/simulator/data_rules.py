"""What data a user may have: subscriptions, limits and pacing, and how a gateway says no.

The words are those that users have published; `No market data permissions for …` names the
exchange of the share's data, and NASDAQ still goes by its old name there.
"""

from dataclasses import dataclass

from brokerage.simulator.listings import Listing, Listings

TICK_LINES = 5  # users were refused the sixth or seventh; documented: as many as market depths
FEEDS = {"NASDAQ": "ISLAND"}
MORE = (
    "Requested market data requires additional subscription for API. See link in"
    " 'Market Data Connections' dialog for more details."
)
DELAYED_THERE = "Delayed market data is available."


@dataclass(frozen=True)
class DataRules:
    """One login's rights; a real gateway shares them between all its clients."""

    subscribed: bool = True  # False: live data are refused, delayed ones are there for the asking
    tick_lines: int = TICK_LINES  # tick-by-tick streams at a time
    history_pacing: bool = True  # refuse or slow down who asks for too much history
    # Past ticks by the hard rules of small bars, with which they then count: the documents do not
    # except them, but nobody has published such a refusal, and clients page without a pause.
    tick_pacing: bool = False


def no_permission(listings: Listings, listing: Listing) -> str:
    """The words for live or historical data that are not subscribed."""
    exchange = _feed(listings, listing)
    return f"No market data permissions for {FEEDS.get(exchange, exchange)} {listing.sec_type}"


def no_live_data(listings: Listings, listing: Listing) -> str:
    """The words of error 10089: what is lacking, and that delayed data can be had."""
    feed = listing.long_name if listing.sec_type == "IND" else _feed(listings, listing)
    return f"{MORE}{DELAYED_THERE}{listing.symbol} {feed}/TOP/ALL"


def _feed(listings: Listings, listing: Listing) -> str:
    """The exchange whose data are lacking: that of the share, or of the index."""
    under = listings.underlying(listing)
    return under.primary_exchange or under.exchange
