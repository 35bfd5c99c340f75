"""Option figures as ticks: of the bid, the ask, the last trade and the model."""

from collections.abc import Iterator
from math import isnan

from brokerage.simulator.market import Greeks, Market, Quote
from brokerage.tws.messages import TickOptionComputation

BID, ASK, LAST, MODEL = 10, 11, 12, 13
DELAYED = 70  # added to those for delayed data


def computations(
    market: Market, req_id: int, before: Quote | None, quote: Quote, *, delayed: bool
) -> Iterator[TickOptionComputation]:
    """The figures of the prices that have changed, then those of the model.

    A price that no volatility explains, and one that is not there, has none: −1 and −2.
    """
    shift = DELAYED if delayed else 0
    for kind, name in ((BID, "bid"), (ASK, "ask"), (LAST, "last")):
        price = getattr(quote, name)
        if before is not None and getattr(before, name) == price:
            continue
        found = None if isnan(price) else market.implied(quote.con_id, price, quote.time)
        yield _tick(req_id, kind + shift, price, found)
    model = market.greeks(quote.con_id, quote.time)
    yield _tick(req_id, MODEL + shift, model.price, model)


def _tick(req_id: int, kind: int, price: float, found: Greeks | None) -> TickOptionComputation:
    shown = -1.0 if isnan(price) else price
    if found is None:
        return TickOptionComputation(req_id, kind, price=shown)
    return TickOptionComputation(
        req_id=req_id,
        kind=kind,
        iv=found.iv,
        delta=found.delta,
        price=shown,
        pv_dividend=found.pv_dividend,
        gamma=found.gamma,
        vega=found.vega,
        theta=found.theta,
        under_price=found.und_price,
    )
