"""Scripts: what they do when, and what they say about a mistake."""

import asyncio

import pytest
from ib_async import LimitOrder, MarketOrder

from brokerage.simulator.faults.script import Script, ScriptError
from tests.brokerage.faults.clients import alive
from tests.brokerage.faults.scenes import FAR, spy, until


def names(gateway):
    """What is on."""
    return [fault.name for fault in gateway.faults.active()]


def start(gateway, *steps):
    """A script that runs from now on."""
    return Script.parse(list(steps)).start(gateway)


async def test_a_fault_goes_on_at_its_time_and_off_after_its_length(gateway):
    start(gateway, {"at": 10, "on": "pacing_kick", "with": {"refusals": 9}, "for": 5})
    await gateway.skip(9)
    assert names(gateway) == []
    await gateway.skip(2)
    assert gateway.faults.active()[0].refusals == 9
    await gateway.skip(5)
    assert names(gateway) == []


async def test_a_later_step_switches_off(gateway):
    start(gateway, {"at": 1, "on": "pacing_kick"}, {"at": 4, "off": "pacing_kick"})
    await gateway.skip(2)
    assert names(gateway) == ["pacing_kick"]
    await gateway.skip(3)
    assert names(gateway) == []


async def test_the_nth_message_that_fits_sets_it_off(gateway, ib):
    when = {"message": "PlaceOrder", "nth": 2, "client": 1, "where": {"symbol": "SPY"}}
    start(gateway, {"when": when, "on": "order_without_callback"})
    contract = await spy(ib)
    first = ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(first.isDone)
    assert names(gateway) == []
    second = ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(lambda: names(gateway))
    await gateway.skip(5)
    assert second.orderStatus.status == "PendingSubmit"  # it strikes that very order


@pytest.mark.parametrize(
    "where",
    [
        {"symbol": "QQQ"},
        {"order.action": "SELL"},
        {"order_type": "LMT", "contract.symbol": "QQQ"},
    ],
)
async def test_a_message_that_does_not_fit_sets_nothing_off(gateway, ib, where):
    start(gateway, {"when": {"message": "PlaceOrder", "where": where}, "on": "pacing_kick"})
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, FAR))
    await until(lambda: trade.orderStatus.status == "Submitted")
    assert names(gateway) == []


async def test_a_message_to_the_client_sets_it_off_as_well(gateway, ib):
    start(gateway, {"when": {"message": "ExecDetails"}, "do": "drop_all"})
    ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await gateway.skip(1)
    await until(lambda: not ib.isConnected())


async def test_another_client_does_not_count(gateway, ib):
    run = start(gateway, {"when": {"message": "ReqCurrentTime", "client": 5}, "do": "drop_all"})
    await ib.reqCurrentTimeAsync()
    assert ib.isConnected()
    assert len(run.waiting) == 1


async def test_it_moves_and_halts_the_market(gateway):
    market = gateway.venue.floor.market
    con_id = next(one for one in gateway.venue.floor.listings.find(symbol="SPY")).con_id
    before = market.price(con_id)
    move = {"at": 1, "do": "move", "with": {"symbol": "SPY", "ratio": 0.5}}
    start(gateway, move, {"at": 1, "do": "halt", "with": {"symbol": "SPY"}})
    await gateway.skip(3)
    assert market.price(con_id) < before * 0.6
    assert market.halted(con_id)


async def test_what_is_stopped_does_nothing_further(gateway, ib):
    run = start(
        gateway,
        {"at": 1, "on": "pacing_kick"},
        {"when": {"message": "ReqCurrentTime"}, "on": "mute_after_handshake"},
    )
    run.stop()
    await gateway.skip(2)
    await asyncio.wait_for(ib.reqCurrentTimeAsync(), 5)
    assert names(gateway) == []


async def test_every_step_is_in_the_transcript(gateway):
    start(gateway, {"at": 1, "on": "pacing_kick", "for": 1}, {"at": 3, "do": "drop_all"})
    await gateway.skip(4)
    frames = [frame for frame in gateway.transcript if frame.direction == "fault"]
    told = [(frame.name, frame.message.name) for frame in frames]
    assert told == [("On", "pacing_kick"), ("Off", "pacing_kick"), ("On", "drop_all")]


MISTAKES = (
    ("text", "script: it must be a list of steps"),
    ([], "script: it must be a list of steps with at least one step"),
    ({"step": []}, "script: 'step' is not known; did you mean steps?"),
    (["on"], "step 1: it must be a mapping"),
    ([{"on": "pacing_kick"}], "step 1: it must have exactly one of at, when"),
    ([{"at": 1}], "step 1: it must have exactly one of on, off, do"),
    ([{"at": 1, "when": {}, "on": "pacing_kick"}], "step 1: it must have exactly one of at, when"),
    ([{"at": 1, "on": "a", "off": "b"}], "step 1: it must have exactly one of on, off, do"),
    ([{"at": -1, "on": "pacing_kick"}], "step 1, at: it must be a number of seconds from 0"),
    ([{"at": True, "on": "pacing_kick"}], "step 1, at: it must be a number of seconds"),
    ([{"at": 1, "on": "pacing_kik"}], "step 1, on: There is no fault called pacing_kik: did you"),
    ([{"at": 1, "off": "no_such"}], "step 1, off: There is no fault called no_such"),
    ([{"at": 1, "on": ["a"]}], "step 1, on: it must be a name"),
    ([{"at": 1, "do": "explode"}], "step 1, do: There is no action 'explode'; there are clear"),
    ([{"at": 1, "do": "move"}], "step 1, do: move takes symbol, ratio"),
    (
        [{"at": 1, "do": "halt", "with": {"symbol": "NOPE"}}],
        "step 1, do: symbol 'NOPE' is not listed; there are SPY",
    ),
    (
        [{"at": 1, "do": "move", "with": {"symbol": "SPY", "ratio": -1}}],
        "step 1, do: ratio must be a number above 0",
    ),
    ([{"at": 1, "on": "pacing_kick", "with": {"n": 1}}], "has no parameter n; it has: refusals"),
    ([{"at": 1, "on": "pacing_kick", "with": [1]}], "step 1, with: it must be a mapping"),
    ([{"at": 1, "off": "pacing_kick", "for": 3}], "step 1, for: only what is switched on"),
    ([{"at": 1, "on": "pacing_kick", "for": "3"}], "step 1, for: it must be a number of seconds"),
    ([{"at": 1, "on": "pacing_kick"}, {"at": 1, "onn": "x"}], "step 2: 'onn' is not known; did"),
    ([{"when": "PlaceOrder", "do": "drop_all"}], "step 1, when: it must be a mapping with"),
    (
        [{"when": {"message": "PlaceOder"}, "do": "drop_all"}],
        "step 1, when, message: 'PlaceOder' is not known; did you mean PlaceOrder?",
    ),
    ([{"when": {"message": ["x"]}, "do": "drop_all"}], "step 1, when, message:"),
    (
        [{"when": {"message": "PlaceOrder", "direction": "out"}, "do": "drop_all"}],
        "step 1, when, message: 'PlaceOrder' is not known",
    ),
    (
        [{"when": {"message": "PlaceOrder", "direction": "up"}, "do": "drop_all"}],
        "step 1, when, direction: it must be in or out",
    ),
    ([{"when": {"message": "PlaceOrder", "nth": 0}, "do": "drop_all"}], "nth: it must be a whole"),
    ([{"when": {"message": "PlaceOrder", "client": "a"}, "do": "drop_all"}], "client: it must be"),
    (
        [{"when": {"message": "PlaceOrder", "where": {"quantty": 1}}, "do": "drop_all"}],
        "step 1, when, where: 'quantty' is not known; did you mean quantity?",
    ),
    ([{"when": {"message": "PlaceOrder", "where": 3}, "do": "drop_all"}], "where: it must be a"),
)


@pytest.mark.parametrize(("plain", "words"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_to_do(plain, words):
    with pytest.raises(ScriptError) as caught:
        Script.parse(plain)
    assert words in str(caught.value)


async def test_a_step_that_cannot_be_taken_disturbs_nobody(gateway, ib):
    when, unknown = {"message": "ReqCurrentTime"}, {"symbol": "NOPE"}
    start(gateway, {"when": when, "on": "position_changed_elsewhere", "with": unknown})
    assert await alive(gateway, ib)
    assert names(gateway) == []
