"""Quotes, contracts and history, as every one of the vendor's clients must see them."""

from tests.brokerage.clients.terms import SPY, call, quote, spy
from tests.brokerage.clients.vendor import Bot


async def test_the_greeting_names_accounts_and_the_first_order_id(bot):
    assert await bot.told("managedAccounts") == ["DU1234567"]
    assert bot.next_id >= 1
    assert (await bot.told("error", -1, 2104))[2].startswith("Market data farm")


async def test_the_time_is_asked_for(bot, gateway):
    bot.call("reqCurrentTime")
    (epoch,) = await bot.told("currentTime")
    assert abs(epoch - gateway.clock.time()) < 1500


async def test_a_contract_is_described(bot):
    bot.call("reqContractDetails", 900, spy())
    await bot.told("contractDetailsEnd", 900)
    ((_, details),) = bot.all("contractDetails")
    assert (details["contract"]["symbol"], details["minTick"]) == ("SPY", 0.01)
    assert "S&P 500" in details["longName"]


async def test_quotes_stream_until_they_are_cancelled(bot, gateway):
    bot.call("reqMktData", 901, spy(), "", False, False, [])
    for kind in (1, 2, 4):
        await bot.told("tickPrice", 901, kind, where=lambda _, kind, price, *rest: price > 0)
    await bot.told("tickSize", 901)
    await bot.until(lambda: len(bot.all("tickPrice")) > 12)
    bot.call("cancelMktData", 901)
    await nothing_more(bot, "tickPrice", 901)


async def nothing_more(bot: Bot, name: str, req_id: int) -> None:
    """After a round trip, a while of the market brings no callback of this name and id."""
    bot.call("reqCurrentTime")
    await bot.told("currentTime")
    count = len([args for args in bot.all(name) if args[0] == req_id])
    await quote(bot, "QQQ")
    assert len([args for args in bot.all(name) if args[0] == req_id]) == count


async def test_a_snapshot_ends(bot):
    prices = await quote(bot)
    assert prices[1] <= prices[4] <= prices[2] or prices[1] < prices[2]


async def test_delayed_quotes_say_so(bot):
    bot.call("reqMarketDataType", 3)
    bot.call("reqMktData", 902, spy(), "", False, False, [])
    assert (await bot.told("marketDataType", 902))[1] in {1, 3}


async def test_history_ends_with_the_bars(bot):
    bot.call("reqHistoricalData", 903, spy(), "", "1 D", "1 hour", "TRADES", 1, 1, False, [])
    await bot.told("historicalDataEnd", 903)
    bars = [bar for _, bar in bot.all("historicalData")]
    assert len(bars) == 7
    assert all(bar["low"] <= bar["open"] <= bar["high"] for bar in bars)
    assert all(bar["volume"] > 0 for bar in bars)


async def test_history_is_kept_up_to_date(bot):
    bot.call("reqHistoricalData", 904, spy(), "", "1800 S", "5 mins", "TRADES", 0, 1, True, [])
    await bot.told("historicalDataEnd", 904)
    _, bar = await bot.told("historicalDataUpdate", 904)
    assert bar["low"] <= bar["close"] <= bar["high"]
    bot.call("cancelHistoricalData", 904)


async def test_the_past_and_the_price_steps_are_known(bot):
    bot.call("reqHeadTimeStamp", 905, spy(), "TRADES", 1, 1)
    assert (await bot.told("headTimestamp", 905))[1]
    bot.call("reqMarketRule", 26)
    assert (await bot.told("marketRule", 26))[1][0]["increment"] == 0.01
    bot.call("reqMatchingSymbols", 906, "SP")
    (found, *_) = (await bot.told("symbolSamples", 906))[1]
    assert found["contract"]["symbol"].startswith("SP")


async def test_an_option_chain_leads_to_greeks(bot):
    bot.call("reqMktData", 908, {"Contract": await call(bot)}, "", False, False, [])
    assert bot.all("securityDefinitionOptionParameterEnd")
    tick = await bot.told("tickOptionComputation", 908, 13)
    implied, delta = tick[-8:-6]
    assert 0 < delta < 1
    assert implied > 0


async def test_an_unknown_contract_is_error_200(bot):
    bot.call("reqContractDetails", 909, {"Contract": SPY | {"symbol": "NOSUCH"}})
    await bot.told("error", 909, 200)
