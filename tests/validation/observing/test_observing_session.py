"""A whole observing session: what a bot does is seen once each, and nothing is ever sent."""

from collections import Counter
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from brokerage.models import (
    ObservedEvent,
    ObservedExecution,
    ObservedOrder,
    OrderGrant,
    OrderRecord,
)
from tests.validation.observing.conftest import BOT, Observe, Stage
from validation import metrics, observed
from validation.judging import Verdict
from validation.models import (
    Attempt,
    AttemptState,
    CleanupState,
    Finding,
    LogLine,
    Session,
    SessionState,
)
from validation.observation import Term

pytestmark = pytest.mark.django_db(transaction=True)


async def checks(session: Session) -> dict[str, bool]:
    attempt = await Attempt.objects.aget(session=session)
    return {check.name: check.passed async for check in attempt.checks.all()}


async def rows(session: Session) -> dict[str, Any]:
    found = await sync_to_async(metrics.rows)(session)
    return {row.code: row for row in found}


async def executed() -> list[tuple[str, float, float, int]]:
    rows = ObservedExecution.objects.order_by("pk")
    return [(one.exec_id, one.quantity, one.price, one.client_id) async for one in rows]


async def trade(stage: Stage) -> None:
    """A fill, a cancel, a fill in two parts."""
    async with stage.bot() as bot:
        await bot.buy()
        resting = await bot.rest()
        await stage.sees_orders(2)
        await bot.cancel(resting)
        stage.simulated.fill_one_part(1)
        parted = bot.ib.placeOrder(bot.spy, bot.market("BUY", 3))
        await stage.sees_executions(2)
        stage.simulated.fill_rest()
        await bot.filled(parted)
        await stage.sees(lambda: stage.held == 4)


async def test_what_a_bot_trades_is_seen_once_each_as_the_gateway_has_it(observe: Observe) -> None:
    async with observe() as stage:
        await trade(stage)
        session = await stage.finish()
        theirs = [one.fill for one in stage.simulated.gateway.venue.fills.executions]
        assert await executed() == [(f.exec_id, f.quantity, f.price, BOT) for f in theirs]
        orders = [one async for one in ObservedOrder.objects.all()]
        assert Counter(one.client_id for one in orders) == {BOT: 3}
        assert len({one.perm_id for one in orders}) == 3
        assert {one.scope for one in orders} == {session.number}
    seen = await sync_to_async(observed.sent)(session)
    assert [(one.status, one.filled, one.quantity) for one in seen] == [
        ("Filled", 1, 1), ("Cancelled", 0, 1), ("Filled", 3, 3),
    ]  # fmt: skip
    assert await ObservedEvent.objects.filter(order=seen[2].order, filled=1).aexists()


async def test_an_observing_session_ends_well_and_is_nothing_to_be_signed(
    observe: Observe,
) -> None:
    async with observe() as stage:
        await trade(stage)
        session = await stage.finish()
        assert stage.senders == {BOT}
    assert session.state == SessionState.REPORTING, session.outcome_reason
    assert (session.kind, session.approvable, session.planned) == ("OBSERVE", False, 1)
    assert set((await checks(session)).values()) == {True}
    assert not await Finding.objects.aexists()
    assert not await OrderGrant.objects.aexists()
    assert not await OrderRecord.objects.aexists()


async def test_the_bots_order_and_position_outlive_the_observation(observe: Observe) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.buy()
        resting = await bot.rest()
        await stage.sees_orders(2)
        session = await stage.finish()
        assert resting.orderStatus.status == "Submitted"
        assert (stage.held, stage.senders) == (1, {BOT})
    assert "no order" in session.cleanup_note.lower()


async def test_an_abort_leaves_the_bots_order_and_position_alone(observe: Observe) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.buy()
        resting = await bot.rest()
        await stage.sees_orders(2)
        await sync_to_async(stage.abort)()
        session = await stage.ended()
        assert resting.orderStatus.status == "Submitted"
        assert (stage.held, stage.senders) == (1, {BOT})
    assert session.state == SessionState.ABORTED
    assert session.cleanup in {CleanupState.NOT_NEEDED, CleanupState.DONE}


async def test_what_was_there_before_is_taken_as_given(observe: Observe) -> None:
    async def before(simulated: Any) -> None:
        async with Stage.visit(simulated) as bot:
            await bot.buy(2)
            await bot.rest()

    async with observe(before=before) as stage:
        async with stage.bot(18) as bot:
            await bot.sell(2)
            await stage.sees_executions(2)
        session = await stage.finish()
    assert session.state == SessionState.REPORTING, session.outcome_reason
    kept = ObservedOrder.objects.order_by("pk").values_list("earlier", "client_id")
    assert [row async for row in kept] == [(True, BOT), (True, BOT), (False, 18)]
    assert (await rows(session))["ME-20"].value == 1


async def test_only_the_wanted_client_counts_and_another_one_is_told_of(observe: Observe) -> None:
    async with observe(Term(3600.0, BOT)) as stage:
        async with stage.bot() as bot, stage.bot(18) as other:
            await bot.buy()
            await other.buy()
            await stage.sees_finding("other_client")
        session = await stage.finish()
    assert session.state == SessionState.REPORTING, session.outcome_reason
    assert (await rows(session))["ME-20"].value == 1
    assert await ObservedExecution.objects.acount() == 2


async def test_the_observation_ends_by_itself_when_its_time_is_over(observe: Observe) -> None:
    async with observe(Term(60.0)) as stage:
        session = await stage.ended()
    assert session.state == SessionState.REPORTING, session.outcome_reason
    assert (await checks(session))["observed"]


async def test_figures_from_outside_are_judged_and_others_have_no_data(observe: Observe) -> None:
    async with observe(Term(200.0)) as stage:
        await trade(stage)
        session = await stage.ended()
    found = await rows(session)
    for code in observed.NOT_FROM_OUTSIDE:
        assert found[code].value is None, code
        assert found[code].policy in {Verdict.NO_DATA, Verdict.NONE}, code
        assert "Not measurable in observe mode" in found[code].why
    assert [found[code].value for code in ("ME-20", "ME-20b", "ME-20c")] == [3, 2, 1]
    assert (found["ME-11"].value, found["ME-11"].n) == (1.0, 2)
    assert (found["ME-08"].value, found["ME-13"].value) == (100.0, 0)
    for code in ("ME-03b", "ME-05", "ME-06", "ME-07", "ME-10"):
        assert found[code].n > 0, code
    assert "Market orders alone" in found["ME-06"].why


async def test_the_log_names_whose_order_it_was(observe: Observe) -> None:
    async with observe() as stage:
        async with stage.bot() as bot:
            await bot.buy()
            await stage.sees_executions(1)
        session = await stage.finish()
    lines = LogLine.objects.filter(session=session, source="observed")
    told = [line.message async for line in lines]
    assert told
    assert all(line.startswith(f"Order of client {BOT}, permanent id ") for line in told)
    assert {line.client_id async for line in lines} == {BOT}
    assert "observed.execution" in {line.event_type async for line in lines}
    states = {one.state async for one in Attempt.objects.filter(session=session)}
    assert states == {AttemptState.PASSED}
