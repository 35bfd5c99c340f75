"""Orders that rest far from the market: that they work, how they stand, that they can be ended."""

from collections.abc import Iterable

from brokerage.gateway import Event, OrderState
from brokerage.terms import WORKING
from validation.scenarios.trading import Trade, Trader

FAR = 0.5  # of the bid: a buy there waits
REST_S = 2.0  # for a late word of the broker


def complaints(events: Iterable[Event]) -> list[str]:
    """Return what the broker had to say about an order, code and text."""
    told = ("MESSAGE", "CANCEL_REFUSED", "REJECTED")
    return [
        f"{event.detail['code']} {event.detail['text']}"
        for event in events
        if event.kind in told and "code" in event.detail
    ]


def _story(trade: Trade, listed: int) -> str:
    """How an order stands here and there, and what was said of it."""
    ticket = trade.ticket
    words = [trade.story, f"listed {listed} times" if listed > 1 else "listed" if listed else ""]
    words[1] = words[1] or "not listed"
    words.append(f"broker says {ticket.broker_status}" if ticket.broker_status else "")
    words.append(f"held for {ticket.why_held}" if ticket.why_held else "")
    words.extend(complaints(ticket.events))
    return ", ".join(word for word in words if word)


async def check_resting(trader: Trader, name: str, trade: Trade) -> bool:
    """Check that an order works here as at the broker: once, held back by nothing, not filled."""
    listed, ticket = await trader.listed(trade), trade.ticket
    fine = (
        len(listed) == 1
        and ticket.status in WORKING
        and ticket.status not in {OrderState.UNKNOWN, OrderState.NO_RESPONSE}
        and not (ticket.why_held or ticket.filled)
    )
    actual = _story(trade, len(listed))
    return trader.trial.check(f"{name}: rests at the broker", "once", actual, passed=fine)


async def check_withdrawn(trader: Trader, name: str, trade: Trade) -> bool:
    """Cancel an order; it must end as cancelled, be listed no more, and not fill afterwards."""
    trial, limit = trader.trial, trader.trial.config.thresholds.cancel_timeout_seconds
    await trader.withdraw(trade)
    cancelled = trade.ticket.status is OrderState.CANCELLED
    await trial.clock.sleep(REST_S)
    listed = await trader.listed(trade)
    expected = f"{OrderState.CANCELLED} within {limit:g} s, not listed"
    fine = cancelled and not listed
    fine = trial.check(f"{name}: withdrawn", expected, _story(trade, len(listed)), passed=fine)
    own = (trade.ticket.client_id, trade.ticket.order_id)
    late = [
        fill for fill in await trader.desk.executions() if (fill.client_id, fill.order_id) == own
    ]
    return trial.check(f"{name}: executions", 0, len(late)) and fine
