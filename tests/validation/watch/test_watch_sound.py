"""A sound gateway gives the watch nothing to find; what is provoked does not count."""

from datetime import UTC, datetime

import pytest

from brokerage.gateway import Desk
from brokerage.simulator import venue
from tests.validation.watch.conftest import Open, trading
from validation.watch import Watch
from validation.watch.lanes import NAMES

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = 60.0


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_sound_session_has_no_finding(watched: Open, seed: int) -> None:
    async with watched(seed=seed) as stage:
        async with trading(stage) as trader:
            for side in ("BUY", "SELL"):
                ticket = await trader.buy(side=side)
                await ticket.done()
                await ticket.commission_report()
            await stage.watch.look_at(trader.desk)
        await stage.passes(2 * MINUTE)
        assert await stage.ends() == []
        assert [str(row) for row in stage.findings] == []
        figures = await stage.watch.stop()
    assert figures["uptime"] == 1.0
    assert figures["regular_s"] >= 2 * MINUTE
    assert figures["failures"] == figures["misses"] == 0
    assert figures["reconciliations"] >= 4
    assert figures["worth_readings"] >= 4
    assert 99_000 < figures["worth_low"] <= figures["worth_high"] <= 100_000
    assert 0 < figures["drawdown"] < 0.01


async def test_silence_is_expected_of_a_closed_exchange(watched: Open) -> None:
    sunday = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
    async with watched(always_open=False, start=sunday) as stage:
        await stage.passes(2 * MINUTE)
        assert [str(row) for row in stage.findings] == []
        assert (await stage.watch.stop())["regular_s"] == 0.0


async def test_a_halt_explains_silence(watched: Open) -> None:
    async with watched() as stage:
        await stage.passes(5)
        stage.gateway.halt(756733)
        await stage.passes(2 * MINUTE)
        assert [str(row) for row in stage.findings] == []


async def test_a_cut_of_the_link_leads_to_a_reconciliation(watched: Open) -> None:
    async with watched() as stage:
        before = stage.watch.figures.reconciliations
        stage.gateway.faults.on("link_lost", seconds=10.0, data_lost=True)
        await stage.passes(50)
        assert stage.watch.figures.reconciliations > before
        assert ("broker", "DOWN") in stage.lanes
        assert stage.lanes[-1] == ("broker", "UP")
        assert [str(row) for row in stage.findings] == []


async def test_a_lane_is_up_only_once_something_was_heard_of_it(watched: Open) -> None:
    async with watched() as stage:
        first = dict(reversed(stage.lanes))
        assert first["gateway"] == "UP"
        assert {name: first[name] for name in (*NAMES, "line SPY")} == dict.fromkeys(
            (*NAMES, "line SPY"), "UNKNOWN"
        )
        # The farms' notices come with the greeting, before the watch has its desk.
        assert {name: dict(stage.lanes)[name] for name in NAMES} == dict.fromkeys(NAMES, "UP")


async def test_behind_a_gateway_that_says_nothing_every_lane_stays_unknown(
    watched: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue, "FARMS", ())
    async with watched() as stage:
        await stage.passes(30)
        assert {name: dict(stage.lanes)[name] for name in NAMES} == dict.fromkeys(NAMES, "UNKNOWN")
        assert [str(row) for row in stage.findings] == []


async def test_nobody_knows_the_lanes_once_the_watch_has_lost_its_connection(
    watched: Open,
) -> None:
    async with watched() as stage:
        stage.cut()
        await stage.sees("connection_lost")
        for name in NAMES:
            changes = [state for lane, state in stage.lanes if lane == name]
            assert changes[:3] == ["UNKNOWN", "UP", "UNKNOWN"], name


async def test_nobody_knows_the_lanes_once_the_watch_has_ended(watched: Open) -> None:
    async with watched() as stage:
        await stage.watch.stop()
        assert set(dict(stage.lanes).values()) == {"UNKNOWN"}


async def test_what_is_provoked_is_planned_until_it_had_time_to_recover(watched: Open) -> None:
    async with watched() as stage:
        stage.planned = True
        stage.gateway.faults.on("half_open_socket")
        finding = await stage.sees("no_answer")
        assert finding.planned
        stage.gateway.faults.clear()
        assert (await stage.sees("no_answer", "OVER")).planned
        assert (await stage.watch.stop())["failures"] == 0
    assert stage.watch.figures.outage == 0.0
    assert stage.watch.figures.planned_outage > 0.0


async def test_a_fault_that_outlives_its_drill_counts(watched: Open) -> None:
    async with watched() as stage:
        stage.planned = True
        stage.gateway.faults.on("market_farm_broken")
        assert (await stage.sees("farm_down")).planned
        stage.planned = False
        await stage.passes(150)
        assert [row.planned for row in stage.findings if row.phase == "BEGAN"] == [True, False]


async def test_a_watch_without_a_connection_is_a_finding(watched: Open) -> None:
    async with watched() as stage:
        stage.gateway.faults.on("port_closed")
        stage.cut()
        await stage.sees("no_connection")
        stage.gateway.faults.clear()
        assert "answered" not in (await stage.sees("no_connection", "OVER")).text
        assert stage.watch.figures.outage > 0.0
        await stage.watch.up.wait()
        assert await stage.ends() == []


async def test_a_watch_that_cannot_compare_at_the_end_says_so(watched: Open) -> None:
    async with watched() as stage:
        stage.gateway.faults.on("port_closed")
        stage.cut()
        await stage.sees("no_connection")
        assert await stage.ends() == []
        assert (await stage.sees("not_reconciled")).severity == "ERROR"


async def test_a_failure_of_the_watch_itself_is_a_finding(
    watched: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched() as stage:
        monkeypatch.setattr(stage.watch.books, "_look", lambda: 1 / 0)
        assert "ZeroDivisionError" in (await stage.sees("watch_failed")).text


async def test_a_gateway_that_goes_away_for_good_was_up_until_then(watched: Open) -> None:
    async with watched() as stage:
        await stage.passes(MINUTE)
        stage.gateway.faults.on("port_closed")
        stage.cut()
        await stage.sees("no_connection")
        await stage.passes(2 * MINUTE)
        figures = await stage.watch.stop()
    assert 0.2 < figures["uptime"] < 0.5
    assert figures["total_s"] >= 3 * MINUTE


async def test_a_gateway_that_was_never_there_was_never_up(watched: Open) -> None:
    async with watched(before="port_closed") as stage:
        await stage.passes(MINUTE)
        figures = await stage.watch.stop()
        assert (figures["uptime"], figures["watched_s"]) == (0.0, 0.0)
        assert await stage.watch.stop() == figures


async def test_a_watch_that_ends_before_its_session_knows_of_no_uptime_since(
    watched: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Watch, desk: Desk) -> bool:
        raise ValueError("the watch broke")

    async with watched() as stage:
        monkeypatch.setattr(Watch, "_beat", broken)
        await stage.sees("watch_failed")
        await stage.passes(2 * MINUTE)
        assert (await stage.watch.stop())["uptime"] < 0.5
