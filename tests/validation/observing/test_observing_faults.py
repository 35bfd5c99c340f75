"""What an observing session makes of lost callbacks, lost connections and strange positions."""

import pytest

from brokerage.models import ObservedEvent, ObservedExecution, ObservedOrder
from brokerage.observing import ENDED
from tests.validation.observing.conftest import BOT, Observe, Stage
from validation.models import Attempt, Check, Finding, Metric, Session, SessionState
from validation.observation import Term

pytestmark = pytest.mark.django_db(transaction=True)
EXPLAINED = "executions explain positions and orders"


async def blocked(stage: Stage) -> Session:
    """End the observation, which must fail by its comparison."""
    session = await stage.finish()
    check = await Check.objects.aget(attempt__session=session, name=EXPLAINED)
    assert not check.passed
    assert (await Attempt.objects.aget(session=session)).state == "FAILED"
    assert session.state == SessionState.BLOCKED, session.outcome_reason
    return session


async def well(stage: Stage) -> Session:
    """End the observation, which must be well in the end."""
    session = await stage.finish()
    check = await Check.objects.aget(attempt__session=session, name=EXPLAINED)
    assert check.passed, check.actual
    assert session.state == SessionState.REPORTING, session.outcome_reason
    return session


async def test_a_position_that_changes_without_an_execution_fails(observe: Observe) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.buy()
        stage.fault("position_changed_elsewhere", quantity=5.0)
        await stage.sees_finding("difference_foreign_position")
        await blocked(stage)
    finding = await Finding.objects.filter(kind="difference_foreign_position").afirst()
    assert finding is not None
    assert "SPY" in finding.subject


async def test_an_execution_that_is_listed_late_is_missed_until_it_is_there(
    observe: Observe,
) -> None:
    async with observe() as stage, stage.bot() as bot:
        stage.simulated.levers.no_execution = True
        trade = bot.ib.placeOrder(bot.spy, bot.market("BUY", 1))
        await stage.sees_finding("difference_foreign_position")
        assert not await ObservedExecution.objects.aexists()
        stage.simulated.levers.no_execution = False
        await stage.sees_executions(1)
        await well(stage)
    assert trade.order.permId == (await ObservedExecution.objects.aget()).perm_id


async def test_what_the_bots_own_callbacks_do_not_tell_is_seen_all_the_same(
    observe: Observe,
) -> None:
    async with observe() as stage, stage.bot() as bot:
        stage.fault("callbacks_lost")
        trade = bot.ib.placeOrder(bot.spy, bot.market("BUY", 1))
        await stage.sees_executions(1)
        assert trade.orderStatus.status == "PendingSubmit"
        await well(stage)
    assert (await ObservedOrder.objects.aget()).client_id == BOT


async def test_an_order_that_no_list_names_any_more_fails(observe: Observe) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.rest()
        await stage.sees_orders(1)
        stage.fault("orders_not_listed")
        await stage.sees_finding("difference_missing_there")
        await blocked(stage)


async def test_an_order_that_ends_without_a_word_to_the_bot_is_seen_to_end(
    observe: Observe,
) -> None:
    async with observe() as stage, stage.bot() as bot:
        stage.fault("rejected_silently", seconds=60.0)
        trade = await bot.rest()
        await stage.sees_orders(1)
        ended = ObservedEvent.objects.filter(status__in=ENDED)
        await stage.sees(ended.exists)
        assert trade.orderStatus.status == "Submitted"
        await well(stage)


async def test_fills_during_a_lost_connection_are_found_on_reconnect(observe: Observe) -> None:
    async with observe() as stage, stage.bot() as bot:
        stage.simulated.levers.refuse_reconnect = 0
        stage.cut_ours()
        await bot.buy()
        assert not await ObservedExecution.objects.aexists()
        stage.simulated.levers.refuse_reconnect = None
        await stage.sees_executions(1)
        await stage.sees_finding("fill_found_on_reconnect")
        session = await well(stage)
    told = Check.objects.filter(attempt__session=session, passed=False)
    assert {check.name: check.required async for check in told} == {
        "connection losses": False, "fills found on reconnect only": False,
    }  # fmt: skip


async def test_time_without_a_look_is_not_called_observed(observe: Observe) -> None:
    async with observe(Term(400.0)) as stage:
        stage.simulated.levers.refuse_reconnect = 0
        stage.cut_ours()
        session = await stage.ended()
    checks = Check.objects.filter(attempt__session=session, required=True)
    passed = {check.name: check.passed async for check in checks}
    assert not passed["observed"]
    assert not passed["longest time without a look"]
    assert (await Metric.objects.aget(attempt__session=session, name="observed")).value < 300


async def test_a_gateway_that_is_gone_at_the_end_fails_what_can_not_be_compared(
    observe: Observe,
) -> None:
    async with observe(Term(60.0)) as stage:
        stage.simulated.levers.refuse_reconnect = 0
        stage.cut_ours()
        session = await stage.ended()
    check = await Check.objects.aget(attempt__session=session, name=EXPLAINED)
    assert (check.passed, check.actual.startswith("not known")) == (False, True)
