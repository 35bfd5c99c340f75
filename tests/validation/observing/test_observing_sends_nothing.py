"""An observing session can't send an order, and nothing that cleans up touches the bot's."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from brokerage import gateway
from brokerage.errors import OrderRefused
from brokerage.gateway import ContractSpec, Desk, Door, Intent
from brokerage.models import Endpoint, KillSwitch, OrderGrant
from brokerage.terms import Purpose, Side
from tests.conftest import People
from tests.validation.observing.conftest import BOT, Observe
from validation import finishing, pausing, sessions, sweeper
from validation.cleanup import clean_up
from validation.lease import claim, fence
from validation.models import CleanupState, Session, SessionKind, SessionState
from validation.observation import Term
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db(transaction=True)


async def refusal(desk: Desk, scope: str, side: Side, purpose: Purpose, grant: int | None) -> str:
    """Try to trade one share, and return why the door did not let the order out."""
    spy = await desk.qualify(ContractSpec("SPY"))
    quote = await desk.quote(spy)
    limit = round(quote.ask + 0.5 if side == "BUY" else quote.bid - 0.5, 2)
    intent = Intent(
        f"{scope}/{side}/{purpose}", spy, side, 1, "LMT", limit, ref=f"{scope}/X-15",
        purpose=purpose, reduce_only=purpose == "CLEANUP",
    )  # fmt: skip
    with pytest.raises(OrderRefused) as refused:
        await desk.place(intent, Door(grant, desk.clock))
    return refused.value.reason


@pytest.mark.parametrize(("side", "purpose"), [("BUY", "TEST"), ("SELL", "CLEANUP")])
async def test_no_order_leaves_an_observing_session_not_even_with_a_grant(
    observe: Observe, side: Side, purpose: Purpose
) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.buy()
        grant = await OrderGrant.objects.acreate(
            scope=stage.session.number, endpoint=stage.session.endpoint, symbols=["SPY"],
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        with fence(stage.lease):
            async with gateway.connect(stage.target, readonly=False) as desk:
                door = grant.pk if purpose == "TEST" else None
                why = await refusal(desk, stage.session.number, side, purpose, door)
        assert (why, stage.senders, stage.held) == ("OBSERVING", {BOT}, 1)


async def test_the_door_refuses_it_for_want_of_a_grant_as_well(observe: Observe) -> None:
    async with observe() as stage:
        assert not await OrderGrant.objects.aexists()
        async with gateway.connect(stage.target, readonly=False) as desk:
            why = await refusal(desk, stage.session.number, "BUY", "TEST", None)
        assert (why, stage.senders) == ("NO_GRANT", set())


async def test_a_cleanup_of_the_session_leaves_the_bots_orders_and_positions_alone(
    observe: Observe,
) -> None:
    async with observe() as stage, stage.bot() as bot:
        await bot.buy()
        await bot.rest()
        await stage.sees_orders(2)
        cleaned = await clean_up(stage.target, stage.session.number)
        assert cleaned.ok
        assert (stage.senders, stage.held) == ({BOT}, 1)


async def test_a_tripped_kill_switch_does_not_stop_the_observation(observe: Observe) -> None:
    async with observe() as stage:
        await KillSwitch.objects.aupdate(state=KillSwitch.State.TRIGGERED, reason="test")
        async with stage.bot() as bot:
            await bot.buy()
            await stage.sees_executions(1)
        session = await stage.finish()
    assert session.state == SessionState.REPORTING, session.outcome_reason


@pytest.fixture
def waiting(transactional_db: None, seeded: Endpoint, operator: User) -> Session:
    """An observing session that waits for a worker."""
    return sessions.start(operator, term=Term(60.0, 7), queue=False)


def test_one_may_be_started_and_waits_while_the_kill_switch_is_tripped(
    seeded: Endpoint, operator: User
) -> None:
    KillSwitch.objects.update(state=KillSwitch.State.TRIGGERED)
    session = sessions.start(operator, term=Term(60.0), queue=False)
    sweeper.sweep()
    session.refresh_from_db()
    assert session.state == SessionState.PREFLIGHT


def test_its_term_is_kept_and_it_runs_its_own_scenario_alone(waiting: Session) -> None:
    assert (waiting.kind, waiting.observe_s, waiting.observed_client) == ("OBSERVE", 60.0, 7)
    assert [one.scenario for one in waiting.attempts.all()] == ["X-15"]
    assert waiting.task is None
    assert not hasattr(waiting, "checklist")


@pytest.mark.parametrize(
    ("scenarios", "kind", "term"),
    [
        (["BC-01"], None, Term(60.0)),
        (["X-15"], None, None),
        (["X-15", "BC-01"], SessionKind.DRILL, None),
        (None, None, Term(1.0)),
        (None, None, Term(float("nan"))),
        (None, None, Term(60.0, -1)),
        (None, SessionKind.OBSERVE, None),
    ],
)
def test_what_is_no_observation_is_refused(
    seeded: Endpoint, operator: User, scenarios: list[str] | None, kind: str | None,
    term: Term | None,
) -> None:  # fmt: skip
    with pytest.raises(SessionRefused):
        sessions.start(operator, scenarios=scenarios, kind=kind, term=term)


def test_what_a_lost_observer_leaves_needs_no_cleanup(waiting: Session) -> None:
    lease = claim(waiting.number, "test")
    assert lease is not None
    Session.objects.update(state=SessionState.RUNNING, lease_until=timezone.now())
    waiting.refresh_from_db()
    assert sweeper.interrupt(waiting)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.cleanup) == (SessionState.INTERRUPTED, CleanupState.NOT_NEEDED)
    assert sweeper.waiting_for_cleanup() == []


def test_it_is_not_paused_and_no_scenario_is_run_in_it_later(
    waiting: Session, operator: User
) -> None:
    Session.objects.update(state=SessionState.RUNNING)
    with pytest.raises(SessionRefused, match="gap"):
        pausing.pause(waiting, operator, "A short break.")
    Session.objects.update(state=SessionState.REPORTING)
    with pytest.raises(SessionRefused, match="start a new session"):
        sessions.rerun(waiting, ["BC-01"], operator)


def test_only_a_running_observation_comes_to_its_end_when_asked_once(
    waiting: Session, operator: User, people: People
) -> None:
    with pytest.raises(SessionRefused, match="Preflight"):
        finishing.finish(waiting, operator)
    Session.objects.update(state=SessionState.RUNNING)
    assert finishing.finish(waiting, operator).finish_requested_by == operator
    with pytest.raises(SessionRefused, match="already"):
        finishing.finish(waiting, operator)


async def test_a_stage_without_a_bot_sends_nothing(observe: Observe) -> None:
    async with observe(Term(30.0)) as stage:
        await stage.ended()
        assert stage.senders == set()
