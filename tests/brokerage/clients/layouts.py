"""The layouts of all messages, against the client's own decoder and encoder."""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, get_args, get_origin

import pytest

from brokerage.tws import messages as tws
from brokerage.tws.codec import encode
from brokerage.tws.fields import Offset, Quantity, Size
from brokerage.tws.framing import split
from brokerage.tws.reading import get_hints
from tests.brokerage.clients.terms import SPY, order, spy

PLAIN = {str: "text", int: 7, bool: True, float: 1.5, Quantity: 2.5, Size: 2.5, Offset: 0.5}
CONDITIONS = tuple(tws.Condition(kind, "o", True, "5", 9, "SMART", 2, "STK", "SPY")
                   for kind in (1, 3, 4, 5, 6, 7))  # fmt: skip


SINCE = {"UserInfo": 161, "reqUserInfo": 161}  # older clients know nothing of these


def full(hint: Any) -> Any:
    """A value of a field's type with nothing left at its default."""
    if get_origin(hint) is UnionType:
        return full(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return (full(get_args(hint)[0]),) * 2
    if not is_dataclass(hint):
        return PLAIN[hint]
    hints = get_hints(hint)
    made = {field.name: full(hints[field.name]) for field in fields(hint) if field.init}
    if hint is tws.Order:
        made["conditions"] = CONDITIONS
    return hint(**made)


def samples(version: int) -> Iterator[Any]:
    """Every server message: filled in throughout, at its defaults, and in each of its variants."""
    for cls in tws.SERVER.by_class:
        if version >= SINCE.get(cls.__name__, 0):
            yield full(cls)
            yield cls()
    for kind in (1, 2, 3, 4):
        yield replace(full(tws.TickByTick), kind=kind)
    for cls in (tws.OpenOrder, tws.CompletedOrder):
        message = full(cls)
        yield replace(message, order=replace(message.order, order_type="PEG BENCH"))


async def test_every_message_is_decoded_to_its_last_field(driver, request):
    bot = driver.bot()
    version = request.module.VERSION
    messages = list(samples(version))
    bot.call("decode", version, [split(encode(message, version)) for message in messages])
    await bot.until(lambda: len(bot.all("decoded")) == len(messages), "the last message")
    unread = [left for (left,) in bot.all("decoded")]
    found = zip(messages, unread, strict=True)
    assert [type(message).__name__ for message, left in found if left] == []


SHARE = spy()
OPTION = {"Contract": SPY | {
    "secType": "OPT", "strike": 600.0, "right": "C", "multiplier": "100", "conId": 5,
    "lastTradeDateOrContractMonth": "20261218", "tradingClass": "SPY", "localSymbol": "SPY 1",
}}  # fmt: skip
LEG = {"ComboLeg": {"conId": 1, "ratio": 2, "action": "BUY", "exchange": "SMART"}}
HEDGE = {"DeltaNeutralContract": {"conId": 9, "delta": 0.5, "price": 1.5}}
BAG = {"Contract": SPY | {"secType": "BAG", "comboLegs": [LEG], "deltaNeutralContract": HEDGE}}
TAG = {"TagValue": {"tag": "a", "value": "b"}}
MORE, ON = {"isMore": True}, {"conId": 1, "exchange": "SMART"}
REQUESTS: list[tuple[str, list[Any]]] = [
    ("reqMktData", [1, SHARE, "233", False, False, []]),
    ("reqMktData", [1, BAG, "", True, False, []]),
    ("cancelMktData", [1]),
    ("cancelOrder", [5]),
    ("reqOpenOrders", []),
    ("reqAccountUpdates", [True, "DU1"]),
    ("reqExecutions", [2, {"ExecutionFilter": {"symbol": "SPY", "side": "BUY"}}]),
    ("reqIds", [1]),
    ("reqContractDetails", [3, OPTION]),
    ("reqAutoOpenOrders", [True]),
    ("reqAllOpenOrders", []),
    ("reqManagedAccts", []),
    ("reqHistoricalData", [4, BAG, "", "1 D", "1 min", "TRADES", 1, 2, True, []]),
    ("cancelHistoricalData", [4]),
    ("reqCurrentTime", []),
    ("reqRealTimeBars", [5, SHARE, 5, "TRADES", True, []]),
    ("cancelRealTimeBars", [5]),
    ("reqGlobalCancel", []),
    ("reqMarketDataType", [3]),
    ("reqPositions", []),
    ("cancelPositions", []),
    ("reqAccountSummary", [6, "All", "$LEDGER:USD"]),
    ("cancelAccountSummary", [6]),
    ("reqAccountUpdatesMulti", [7, "DU1", "m", True]),
    ("cancelAccountUpdatesMulti", [7]),
    ("reqSecDefOptParams", [8, "SPY", "", "STK", 756733]),
    ("reqFamilyCodes", []),
    ("reqMatchingSymbols", [9, "SP"]),
    ("reqMktDepthExchanges", []),
    ("reqNewsProviders", []),
    ("reqHeadTimeStamp", [10, SHARE, "TRADES", 1, 1]),
    ("cancelHeadTimeStamp", [10]),
    ("reqMarketRule", [26]),
    ("reqPnL", [11, "DU1", ""]),
    ("cancelPnL", [11]),
    ("reqPnLSingle", [12, "DU1", "", 756733]),
    ("cancelPnLSingle", [12]),
    ("reqHistoricalTicks", [13, SHARE, "20261123 10:00:00", "", 10, "BID_ASK", 1, True, []]),
    ("reqTickByTickData", [14, SHARE, "BidAsk", 3, True]),
    ("cancelTickByTickData", [14]),
    ("reqCompletedOrders", [True]),
    ("placeOrder", [15, SHARE, order("BUY", 1, "LMT", lmtPrice=99.5)]),
    ("placeOrder", [16, BAG, order("BUY", 1, "LMT", lmtPrice=1.5, smartComboRoutingParams=[TAG],
                                   orderComboLegs=[{"OrderComboLeg": {"price": 2.5}}])]),
    ("placeOrder", [17, SHARE, order("BUY", 2, "PEG BENCH", hedgeType="D", hedgeParam="1",
                                     scalePriceIncrement=0.5, algoStrategy="Twap",
                                     algoParams=[TAG, TAG], deltaNeutralOrderType="LMT")]),
    ("placeOrder", [18, SHARE, order("BUY", 2, "MKT", conditionsCancelOrder=True, conditions=[
        {"PriceCondition": MORE | ON | {"price": 5.0, "triggerMethod": 2}},
        {"TimeCondition": MORE | {"time": "20261123 10:00:00"}},
        {"MarginCondition": MORE | {"percent": 3}},
        {"ExecutionCondition": {"secType": "STK", "symbol": "SPY", "exchange": "SMART"}},
        {"VolumeCondition": MORE | ON | {"volume": 7}},
        {"PercentChangeCondition": MORE | ON | {"changePercent": 0.5}},
    ])]),
    ("placeOrder", [19, {"Contract": SPY | {"exchange": "IBKRATS"}},
                    order("BUY", 2, "PEG BEST", competeAgainstBestOffset=math.inf)]),
    ("placeOrder", [20, SHARE, order("BUY", 2, "PEG MID")]),
    ("reqUserInfo", [21]),
]  # fmt: skip


def numbers() -> Iterator[str]:
    """A name for each request."""
    for at, (name, _) in enumerate(REQUESTS):
        yield f"{at}-{name}"


@pytest.mark.parametrize(("name", "args"), REQUESTS, ids=numbers())
async def test_what_the_client_writes_is_read_to_its_last_field(driver, request, name, args):
    bot, version = driver.bot(), request.module.VERSION
    if version < SINCE.get(name, 0):
        pytest.skip("This client is older than the request.")
    bot.call("encode", version, name, args)
    (texts,) = await bot.told("encoded")
    layout = tws.CLIENT.by_number[int(texts[0])].layout
    message, end = layout.reader(version)(texts, 1)
    assert end == len(texts)
    assert len(tws.CLIENT.fields(message, version)) == len(texts)
    assert (bot.complaints, bot.errors()) == ([], [])
