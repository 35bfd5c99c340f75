"""Contracts and orders as the driver wants them written, and what tests ask for again and again."""

from typing import Any

from tests.brokerage.clients.vendor import Bot

SPY = {"symbol": "SPY", "secType": "STK", "exchange": "SMART", "currency": "USD"}


def spy() -> dict[str, Any]:
    """The share that is traded here."""
    return {"Contract": SPY}


def order(action: str, quantity: float, kind: str, **attributes: Any) -> dict[str, Any]:
    """An order; without the two attributes that 9.81 sets by itself and the gateway refuses."""
    plain = {"eTradeOnly": False, "firmQuoteOnly": False}
    wanted = {"action": action, "totalQuantity": quantity, "orderType": kind}
    return {"Order": plain | wanted | attributes}


async def quote(bot: Bot, symbol: str = "SPY") -> dict[int, float]:
    """Bid (1), ask (2) and last (4) of a share in a snapshot."""
    return await quoted(bot, SPY | {"symbol": symbol})


async def quoted(bot: Bot, contract: dict[str, Any]) -> dict[int, float]:
    """The same of any contract."""
    req_id = bot.id()
    bot.call("reqMktData", req_id, {"Contract": contract}, "", True, False, [])
    await bot.told("tickSnapshotEnd", req_id)
    return {args[1]: args[2] for args in bot.all("tickPrice") if args[0] == req_id}


async def call(bot: Bot) -> dict[str, Any]:
    """A weekly call at the money."""
    req_id = bot.id()
    bot.call("reqSecDefOptParams", req_id, "SPY", "", "STK", 756733)
    chain = await bot.told("securityDefinitionOptionParameter", req_id)
    name, expirations, strikes = chain[3], chain[5], chain[6]
    last = (await quote(bot))[4]
    strike = min(strikes, key=lambda strike: abs(strike - last))
    option = {"secType": "OPT", "strike": strike, "right": "C", "tradingClass": name}
    return SPY | option | {"lastTradeDateOrContractMonth": expirations[2]}


def place(bot: Bot, placed: dict[str, Any], order_id: int | None = None) -> int:
    """Place an order for SPY; its id."""
    chosen = bot.id() if order_id is None else order_id
    bot.call("placeOrder", chosen, spy(), placed)
    return chosen


async def reaches(bot: Bot, order_id: int, *statuses: str) -> list[Any]:
    """The first status of the order that is one of these."""
    return await bot.told("orderStatus", order_id, where=lambda _, at, *rest: at in statuses)


async def rests(bot: Bot, kind: str = "LMT", **attributes: Any) -> int:
    """An order far from the market that has been taken; its id."""
    resting = {"lmtPrice": 100.0} | attributes
    order_id = place(bot, order("BUY", 5, kind, **resting))
    await reaches(bot, order_id, "Submitted", "PreSubmitted")
    return order_id


async def buys(bot: Bot, quantity: float = 10) -> int:
    """A market order that has been filled and paid for; its id."""
    order_id = place(bot, order("BUY", quantity, "MKT"))
    await reaches(bot, order_id, "Filled")
    await bot.told("commissionReport")
    return order_id
