"""Faults of executions and commissions: ib_async sees each, none of it from a sound gateway."""

from brokerage.simulator.faults import fills
from tests.brokerage.faults.scenes import Scene, buy, heard, passed, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes


async def fills_at_filled(gateway, ib, switch):
    """Fills known when the status says Filled, and a while later."""
    switch()
    trade = await buy(ib)
    await until(lambda: trade.orderStatus.status == "Filled")
    at_once = len(trade.fills)
    await passed(gateway, 5)
    return at_once, len(trade.fills)


async def execution_comes_first(gateway, ib, switch):
    """Whether the execution is the first that is heard of an order."""
    switch()
    told = heard(ib)
    await buy(ib)
    await passed(gateway, 5)
    return told[0] == "execution", "Filled" in told


async def status_and_fills(gateway, ib, switch):
    """Whether the status says Filled, the fills told of, and those that a request finds."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 4)
    told = trade.orderStatus.status == "Filled", len(trade.fills)
    return *told, len(await ib.reqExecutionsAsync())


async def commission_known(gateway, ib, switch):
    """Whether the commission is known soon after the fill, later, and after asking for it."""
    switch()
    trade = await buy(ib)
    await until(lambda: trade.fills)
    fill, known = trade.fills[0], []
    for seconds in (1, 5):
        await passed(gateway, seconds)
        known.append(fill.commissionReport.commission > 0)
    await ib.reqExecutionsAsync()
    return *known, fill.commissionReport.commission > 0


async def commissions_told(gateway, ib, switch):
    """Whether each commission that was told is a cost."""
    switch()
    told = []
    ib.commissionReportEvent += lambda trade, fill, report: told.append(report.commission > 0)
    await buy(ib)
    await passed(gateway, 5)
    return told


async def shares_and_position(gateway, ib, switch):
    """The sum of the executions, and the position."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 4)
    return sum(fill.execution.shares for fill in trade.fills), ib.positions()[0].position


async def last_parts(gateway, ib, switch):
    """The last parts of the execution ids."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 4)
    return [fill.execution.execId[-3:] for fill in trade.fills]


async def pieces(gateway, ib, switch):
    """How many fills it takes for thirty shares."""
    switch()
    trade = await buy(ib, 30)
    await until(lambda: trade.orderStatus.status == "Filled")
    return len(trade.fills)


FAULTS = (fills,)
SCENES = (
    Scene("filled_before_execution", fills_at_filled, seen=(0, 1), sound=(1, 1)),
    Scene("execution_before_order", execution_comes_first, seen=(True, True), sound=(False, True)),
    Scene("execution_without_status", status_and_fills, seen=(False, 1, 1), sound=(True, 1, 1)),
    Scene("execution_lost", status_and_fills, seen=(True, 0, 1), sound=(True, 1, 1)),
    Scene(
        "late_commission",
        commission_known,
        seen=(False, True, True),
        sound=(True, True, True),
        params={"seconds": 4.0},
    ),
    Scene(
        "missing_commission",
        commission_known,
        seen=(False, False, False),
        sound=(True, True, True),
    ),
    Scene(
        "pending_commission",
        commissions_told,
        seen=[False, True],
        sound=[True],
        params={"seconds": 2.0},
    ),
    Scene(
        "commission_before_execution",
        commission_known,
        seen=(False, False, True),
        sound=(True, True, True),
    ),
    Scene(
        "duplicate_execution",
        shares_and_position,
        seen=(2.0, 1.0),
        sound=(1.0, 1.0),
        params={"other_ids": True},
    ),
    Scene(
        "execution_corrected",
        last_parts,
        seen=[".01", ".02"],
        sound=[".01"],
        params={"seconds": 1.0},
    ),
    Scene("partial_fills", pieces, seen=3, sound=1, params={"most": 10.0}),
)


async def test_ib_async_drops_copies_with_the_same_execution_id(gateway, ib):
    gateway.faults.on("duplicate_execution", copies=3)
    trade = await buy(ib)
    await passed(gateway, 3)
    sent = [frame for frame in gateway.transcript if frame.name == "ExecDetails"]
    assert (len(sent), len(trade.fills)) == (3, 1)


async def test_quotes_give_all_they_have_again_when_the_fault_is_off(gateway, ib):
    gateway.faults.on("partial_fills", most=10)
    gateway.faults.off("partial_fills")
    trade = await buy(ib, 30)
    await until(trade.isDone)
    assert len(trade.fills) == 1
