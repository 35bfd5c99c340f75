"""Orders, positions and money, as every one of the vendor's clients must see them."""

from datetime import timedelta

import pytest

from brokerage.simulator.holidays import ET
from tests.brokerage.clients.terms import buys, call, order, place, quoted, reaches, rests

ACCOUNT = "DU1234567"
ALIVE = ("Submitted", "PreSubmitted")


async def test_a_market_order_is_filled_and_paid_for(bot):
    order_id = place(bot, order("BUY", 10, "MKT", orderRef="first"))
    await reaches(bot, order_id, "Filled")
    _, contract, execution = await bot.told("execDetails")
    report = (await bot.told("commissionReport"))[0]
    assert (contract["symbol"], execution["orderRef"]) == ("SPY", "first")
    assert (execution["shares"], execution["orderId"]) == (10, order_id)
    assert report["execId"] == execution["execId"]
    assert report.get("commission", report.get("commissionAndFees")) >= 1


async def test_an_order_comes_before_its_status(bot):
    order_id = await rests(bot)
    told = [event for event in bot.events if event.name in {"openOrder", "orderStatus"}]
    assert [event.name for event in told][:2] == ["openOrder", "orderStatus"]
    assert told[0].args[0] == order_id


async def test_a_limit_order_rests_and_is_cancelled(bot):
    order_id = await rests(bot)
    bot.call("cancelOrder", order_id)
    await reaches(bot, order_id, "Cancelled")
    await bot.told("error", order_id, 202)


async def test_an_order_comes_back_as_it_was_placed(bot):
    order_id = await rests(
        bot, tif="GTC", outsideRth=True, orderRef="r", ocaGroup="group", displaySize=1, minQty=1
    )
    _, contract, placed, _ = await bot.told("openOrder", order_id)
    wanted = {"lmtPrice": 100, "tif": "GTC", "outsideRth": True, "orderRef": "r", "minQty": 1}
    wanted |= {"ocaGroup": "group", "displaySize": 1, "account": ACCOUNT, "totalQuantity": 5}
    assert {name: placed[name] for name in wanted} == wanted
    assert (contract["symbol"], placed["orderType"], placed["clientId"]) == ("SPY", "LMT", 1)
    assert (placed["volatilityType"], bool(placed["usePriceMgmtAlgo"])) == (0, False)
    assert placed["permId"] > 0


PENDING = [
    ("STP", {"auxPrice": 1000.0}),
    ("STP LMT", {"auxPrice": 1000.0, "lmtPrice": 1001.0}),
    ("TRAIL", {"auxPrice": 50.0}),
    ("MIT", {"auxPrice": 100.0}),
]


@pytest.mark.parametrize(("kind", "prices"), PENDING, ids=[kind for kind, _ in PENDING])
async def test_an_order_waits_for_its_trigger(bot, kind, prices):
    order_id = place(bot, order("BUY", 5, kind, **prices))
    await reaches(bot, order_id, *ALIVE)
    _, _, placed, _ = await bot.told("openOrder", order_id)
    assert placed["orderType"] == kind
    bot.call("cancelOrder", order_id)
    await reaches(bot, order_id, "Cancelled")


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
async def test_an_order_that_cannot_wait_is_gone_at_once(bot, tif):
    order_id = place(bot, order("BUY", 5, "LMT", lmtPrice=100.0, tif=tif))
    await reaches(bot, order_id, "Cancelled", "Inactive")
    assert bot.all("execDetails") == []


async def test_an_order_good_till_a_date_expires(bot, gateway):
    soon = gateway.clock.now().astimezone(ET) + timedelta(seconds=30)
    soon = f"{soon:%Y%m%d %H:%M:%S} US/Eastern"
    order_id = await rests(bot, tif="GTD", goodTillDate=soon)
    await reaches(bot, order_id, "Cancelled")


async def test_an_order_is_changed_in_place(bot):
    order_id = await rests(bot)
    place(bot, order("BUY", 7, "LMT", lmtPrice=101.0), order_id)
    changed = await bot.told(
        "openOrder", order_id, where=lambda _, __, o, ___: o["lmtPrice"] == 101
    )
    assert changed[2]["totalQuantity"] == 7


async def test_an_order_that_is_not_transmitted_waits_for_its_child(bot):
    parent = place(bot, order("BUY", 5, "LMT", lmtPrice=100.0, transmit=False))
    child = order("SELL", 5, "LMT", lmtPrice=2000.0, parentId=parent, transmit=False)
    target = place(bot, child)
    stop = place(bot, order("SELL", 5, "STP", auxPrice=50.0, parentId=parent))
    for order_id in (parent, target, stop):
        await reaches(bot, order_id, *ALIVE)
    bot.call("cancelOrder", parent)
    for order_id in (parent, target, stop):
        await reaches(bot, order_id, "Cancelled")


async def test_one_fill_cancels_its_group(bot):
    resting = await rests(bot, ocaGroup="either", ocaType=1)
    taken = place(bot, order("BUY", 5, "MKT", ocaGroup="either", ocaType=1))
    await reaches(bot, taken, "Filled")
    await reaches(bot, resting, "Cancelled")


async def test_a_what_if_order_costs_nothing(bot):
    order_id = place(bot, order("BUY", 10, "MKT", whatIf=True))
    state = (await bot.told("openOrder", order_id))[3]
    assert float(state["initMarginChange"]) > 0
    assert 0 < float(state.get("commission", state.get("commissionAndFees"))) < 10
    bot.call("reqCurrentTime")
    await bot.told("currentTime")
    assert bot.all("orderStatus") == []


async def test_what_cannot_be_cancelled_is_said(bot):
    bot.call("cancelOrder", 99999)
    await bot.told("error", 99999, 10147)
    order_id = await buys(bot)
    bot.call("cancelOrder", order_id)
    await bot.told("error", order_id, 10148)


async def test_an_order_id_is_used_once(bot):
    order_id = await buys(bot)
    place(bot, order("BUY", 1, "LMT", lmtPrice=99.0), order_id - 1)
    await bot.told("error", order_id - 1, 103)


async def test_attributes_that_the_gateway_does_not_know_are_refused(bot, request):
    order_id = place(bot, order("BUY", 1, "LMT", lmtPrice=99.0, eTradeOnly=True))
    if request.module.VERSION < 163:
        await bot.told("error", order_id, 10268)
    else:  # later clients have no such attribute to send
        await reaches(bot, order_id, *ALIVE)


async def test_a_price_off_the_tick_is_refused(bot):
    order_id = place(bot, order("BUY", 1, "LMT", lmtPrice=99.001))
    await bot.told("error", order_id, 110)


async def test_more_than_the_account_can_carry_is_refused(bot):
    order_id = place(bot, order("BUY", 1_000_000, "MKT"))
    await bot.told("error", order_id, 201)


async def test_a_weekly_option_is_bought_at_its_offer(bot):
    option = await call(bot)
    order_id = bot.id()
    limit = round((await quoted(bot, option))[2] + 0.05, 2)
    bot.call("placeOrder", order_id, {"Contract": option}, order("BUY", 1, "LMT", lmtPrice=limit))
    await reaches(bot, order_id, "Filled")
    _, contract, execution = await bot.told("execDetails")
    assert (contract["secType"], contract["right"], contract["multiplier"]) == ("OPT", "C", "100")
    assert contract["lastTradeDateOrContractMonth"] == option["lastTradeDateOrContractMonth"]
    assert (execution["shares"], execution["price"] <= limit) == (1, True)
    bot.call("reqPositions")
    assert (await bot.told("position", where=lambda *args: args[2] == 1))[3] > execution["price"]


async def test_positions_and_their_changes_are_told(bot):
    bot.call("reqPositions")
    await bot.told("positionEnd")
    await buys(bot)
    told = await bot.told("position", where=lambda *args: args[2] == 10)
    assert (told[1]["symbol"], told[3] > 0) == ("SPY", True)
    bot.call("cancelPositions")


async def test_the_account_is_told(bot):
    await buys(bot)
    bot.call("reqAccountUpdates", True, ACCOUNT)
    await bot.told("accountDownloadEnd", ACCOUNT)
    assert await bot.told("updateAccountValue", "NetLiquidation")
    assert (await bot.told("updatePortfolio"))[1] == 10
    assert await bot.told("updateAccountTime")
    bot.call("reqAccountUpdates", False, ACCOUNT)


async def test_the_summary_and_profit_are_told(bot):
    await buys(bot)
    bot.call("reqAccountSummary", 920, "All", "NetLiquidation,BuyingPower")
    await bot.told("accountSummaryEnd", 920)
    assert {args[2] for args in bot.all("accountSummary")} == {"NetLiquidation", "BuyingPower"}
    bot.call("cancelAccountSummary", 920)
    bot.call("reqPnL", 921, ACCOUNT, "")
    await bot.told("pnl", 921)
    bot.call("reqPnLSingle", 922, ACCOUNT, "", 756733)
    assert (await bot.told("pnlSingle", 922))[1] == 10
    bot.call("reqAccountUpdatesMulti", 923, ACCOUNT, "", False)
    await bot.told("accountUpdateMultiEnd", 923)


async def test_what_has_happened_can_be_asked_for_again(bot):
    filled, resting = await buys(bot), await rests(bot)
    bot.call("reqExecutions", 924, {"ExecutionFilter": {}})
    await bot.told("execDetailsEnd", 924)
    assert [args[2]["orderId"] for args in bot.all("execDetails") if args[0] == 924] == [filled]
    bot.call("reqCompletedOrders", False)
    await bot.told("completedOrdersEnd")
    ((contract, _, state),) = bot.all("completedOrder")
    assert (contract["symbol"], state["status"]) == ("SPY", "Filled")
    before = len(bot.all("openOrder"))
    bot.call("reqOpenOrders")
    await bot.told("openOrderEnd")
    assert [args[0] for args in bot.all("openOrder")[before:]] == [resting]


async def test_a_global_cancel_reaches_every_clients_orders(bot, other):
    own, others = await rests(bot), await rests(other)
    other.call("reqGlobalCancel")
    await reaches(other, others, "Cancelled")
    await reaches(bot, own, "Cancelled")


async def test_everybodys_orders_are_seen(bot, other):
    order_id = await rests(bot)
    other.call("reqAllOpenOrders")
    assert (await other.told("openOrder", order_id))[2]["clientId"] == 1
    await other.told("openOrderEnd")
