"""Procedures in which a person does what no program may: the scenario asks, waits and observes."""

from collections.abc import Awaitable, Callable
from typing import Any

from brokerage import gateway
from brokerage.comparison import Kind
from brokerage.errors import AuthenticationError, GatewayError
from brokerage.gateway import SCENARIO_IDS, Desk
from brokerage.reconciliation import DRILL
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.connectivity import proven
from validation.scenarios.disconnects import (
    Broken,
    LossListener,
    check_alert,
    check_refused,
    check_unknown,
    read_anew,
    rest,
)
from validation.scenarios.steps import allowance, spy
from validation.scenarios.trading import Trader
from validation.scenarios.trial import Trial

PATIENCE_S = 10 * 60.0  # session seconds that a person has for each step
LOOK_EVERY_S, ANSWER_S = 1.0, 3.5
NOTICED_S = 5.0  # since the last answer
TRY_EVERY_S = 5.0
RECONCILE_EVERY_S, FOUND_S = 15.0, 60.0
YOUR_TURN = "Drill: your turn"
SEEN = "drill"  # the log's source of what was seen of the person's deed


async def _ask(trial: Trial, text: str) -> None:
    """Tell the person what to do now, in the session's log and as an alert."""
    await trial.alert(YOUR_TURN, text, "INFO")


async def _until(trial: Trial, every: float, come: Callable[[], Awaitable[bool]]) -> bool:
    """Look again and again, every so many session seconds, while the patience lasts.

    Either end is told in the log: the session's page asks nobody for the step any more.
    """
    end = trial.clock.elapsed() + PATIENCE_S
    while trial.clock.elapsed() < end:
        if await come():
            trial.note("What was asked for is seen.", source=SEEN)
            return True
        await trial.clock.sleep(every)
    trial.note("What was asked for did not come in time.", "WARNING", source=SEEN)
    return False


# -- the gateway is stopped and started again ---------------------------------------------------


@scenario(
    id="X-03",
    slug="gateway-kill-drill",
    title="Stopping the gateway by hand",
    category=Category.X,
    timeout=1500,
    expected=1500,
    severity="S-MED",
    needs=[MARKET_HOURS, ORDERS],
    cases=(2,),
)
async def gateway_kill_drill(trial: Trial) -> None:
    """A gateway that a person stops is missed at once, and nothing of its orders is lost.

    As RS-06 does with a cut line: connects once more and places a buy order for one share at half
    the bid, where it waits. Then asks the person to stop the gateway's program and, once that is
    noticed, to start it again and log in. Each step may take 10 minutes; the log and an alert say
    what to do.

    Passes when

    - the loss is noticed within 5 seconds of the last answer, an alert is raised, and the order is
      unknown, here and on record; a new order is refused on our side;
    - after the restart the gateway is reached within 3 attempts, and its accounts are proven again;
    - open orders and executions are read, the order is known again, and the reconciliation is
      clean; only then may orders leave;
    - quotes are new, and the order is cancelled within 10 seconds of the reconnect.
    """
    run = await gateway.reconcile(trial.desk, trial.ref, "START")
    if not trial.check("reconciliation before", "CLEAN", run.words, passed=run.clean):
        return
    with trial.planned_fault("a person stops the gateway and starts it again"):
        broken = await _miss(trial)
        if broken is not None:
            await _ask(trial, "Start the gateway again and log it in with the paper user.")
            await _find_again(trial, broken)


async def _miss(trial: Trial) -> Broken | None:
    """Leave an order at the broker, have the gateway stopped, and notice it; None if not."""
    listener = LossListener(trial)
    ids = [client_id for client_id in SCENARIO_IDS if client_id != trial.desk.client_id]
    options: dict[str, Any] = {"client_ids": ids, "readonly": False, "clock": trial.clock}
    async with trial.connect(purpose="the drill", listener=listener, **options) as desk:
        contract = await desk.qualify(spy(trial))
        broken = await rest(Trader(trial, contract, desk), listener)
        if broken is None:
            return None
        await _ask(trial, "Stop the gateway's program now, as a crash would.")
        answered = [trial.clock.elapsed()]
        lost = await _until(trial, LOOK_EVERY_S, lambda: _gone(trial, desk, answered))
        took = trial.clock.elapsed() - answered[0]
        if trial.check("gateway is stopped", "by a person", "yes" if lost else "no", passed=lost):
            _check_soon(trial, took)
            await check_unknown(trial, broken)
            await check_refused(trial, broken)
            await check_alert(trial, listener)
    return broken if lost else None


def _check_soon(trial: Trial, took: float) -> None:
    trial.measure("detect_s", took, "s")
    soon = took <= NOTICED_S + allowance(trial)
    trial.check("loss is noticed", f"within {NOTICED_S:g} s", f"{took:.1f} s", passed=soon)


async def _gone(trial: Trial, desk: Desk, answered: list[float]) -> bool:
    """Whether the gateway has stopped to answer; keeps when it last did."""
    try:
        await desk.server_time(ANSWER_S)
    except GatewayError:
        return True
    answered[0] = trial.clock.elapsed()
    return not desk.connected


async def _find_again(trial: Trial, broken: Broken) -> None:
    began = trial.clock.elapsed()
    if not await _until(trial, TRY_EVERY_S, lambda: _listens(trial)):
        trial.check("gateway is back", "started by a person", "no", passed=False)
        return
    trial.measure("outage_s", trial.clock.elapsed() - began, "s")
    most = trial.config.validation.max_retry_attempts
    options: dict[str, Any] = {
        "client_ids": (broken.trader.desk.client_id,), "readonly": False, "clock": trial.clock,
        "attempts": most, "again": True,
    }  # fmt: skip
    try:
        async with trial.connect(purpose="the return", **options) as desk:
            few = desk.attempts <= most
            trial.check("reconnected", f"within {most} attempts", desk.attempts, passed=few)
            accounts = ", ".join(desk.accounts)
            trial.check("accounts proven again", "paper", accounts, passed=proven(desk))
            await read_anew(trial, desk, broken, desk)
    except GatewayError as error:
        trial.check("reconnected", f"within {most} attempts", str(error), passed=False)


async def _listens(trial: Trial) -> bool:
    return await _refusal(trial, attempts=1) is None


async def _refusal(trial: Trial, attempts: int) -> GatewayError | None:
    """Connect and leave again; return the error that a caller would get, if any."""
    try:
        async with trial.connect(purpose="a look", attempts=attempts):
            return None
    except GatewayError as error:
        return error


# -- a wrong password ---------------------------------------------------------------------------


@scenario(
    id="X-04",
    slug="bad-login-drill",
    title="Logging in with a wrong password",
    category=Category.X,
    timeout=1500,
    expected=1500,
    severity="S-MED",
    cases=(3,),
    own_connection=True,
)
async def bad_login_drill(trial: Trial) -> None:
    """A gateway that is not logged in is told apart from one that is away, without endless retry.

    Asks the person to log the gateway in with a wrong password and leave it so, connects, and then
    asks for the right one. Each step may take 10 minutes; the log and an alert say what to do. The
    port is shut for a while after the logout: what counts is the first error of authentication.

    Passes when

    - the error is one of authentication, after at most 3 attempts, and names host and port; where
      the port stays shut all the time, as with a gateway that opens it at login only, nobody can
      tell the two apart from outside, and the class is a warning for a person to judge;
    - with the right password the gateway accepts the client again.
    """
    with trial.planned_fault("a person logs the gateway in with a wrong password"):
        await _ask(trial, "Log the gateway out, then in with a wrong password, and leave it so.")
        looks: list[GatewayError | None] = []
        refused = await _until(trial, TRY_EVERY_S, lambda: _locked_out(trial, looks))
        shut = not refused and looks[-1] is not None
        actual = "the port is shut" if shut else "yes" if refused else "no"
        here = refused or shut
        if trial.check("gateway is not logged in", "by a person", actual, passed=here):
            await _classify(trial, required=refused)
        await _ask(trial, "Log the gateway in again with the right password of the paper user.")
        back = await _until(trial, TRY_EVERY_S, lambda: _listens(trial))
        trial.check("right password", "accepted", "yes" if back else "no", passed=back)


async def _locked_out(trial: Trial, looks: list[GatewayError | None]) -> bool:
    """Whether the gateway takes the connection and lets nobody in; keeps what each look met."""
    looks.append(await _refusal(trial, attempts=1))
    return isinstance(looks[-1], AuthenticationError)


async def _classify(trial: Trial, *, required: bool) -> None:
    most = trial.config.validation.max_retry_attempts
    error = await _refusal(trial, attempts=most)
    name = AuthenticationError.__name__
    trial.check("class of the error", name, type(error).__name__, required=required)
    attempts = getattr(error, "attempts", 0)
    trial.check("attempts", f"at most {most}", attempts, passed=0 < attempts <= most)
    clear = str(trial.target.port) in str(error) and trial.target.host in str(error)
    trial.check("message", "names host and port", str(error), passed=clear)


# -- an order by hand ---------------------------------------------------------------------------


@scenario(
    id="X-06",
    slug="tws-manual-order",
    title="An order by hand",
    category=Category.X,
    timeout=1500,
    expected=1500,
    severity="S-MED",
    cases=(12,),
)
async def tws_manual_order(trial: Trial) -> None:
    """A share that a person buys in another window is found within a minute.

    Asks the person to buy one share by hand, and to sell it again once it is found. Reconciles
    every 15 seconds meanwhile. Each step may take 10 minutes; the log and an alert say what to do.

    Passes when

    - the reconciliation before is clean;
    - the position that is not ours is found, at most 60 seconds after a clean reconciliation;
    - it is gone from the reconciliation after the sale.
    """
    run = await gateway.reconcile(trial.desk, trial.ref, "START")
    if not trial.check("reconciliation before", "CLEAN", run.words, passed=run.clean):
        return
    with trial.planned_fault("a person trades by hand"):
        await _ask(trial, "Buy one share of SPY by hand in another window of this account.")
        clean = [trial.clock.elapsed()]
        found = await _until(trial, RECONCILE_EVERY_S, lambda: _foreign(trial, clean))
        actual = "found" if found else "no"
        if not trial.check("position that is not ours", "found", actual, passed=found):
            return
        took = trial.clock.elapsed() - clean[0]
        trial.measure("detect_s", took, "s")
        soon, expected = took <= FOUND_S + allowance(trial), f"within {FOUND_S:g} s"
        trial.check("time to find it", expected, f"{took:.1f} s", passed=soon)
        await _ask(trial, "Sell the share again by hand.")
        gone = await _until(trial, RECONCILE_EVERY_S, lambda: _clean(trial))
        trial.check("reconciliation after the sale", "CLEAN", "CLEAN" if gone else "DIFFS")


async def _foreign(trial: Trial, clean: list[float]) -> bool:
    """Reconcile; whether a position is not ours. Keeps when the last clean one began."""
    began = trial.clock.elapsed()
    run = await gateway.reconcile(trial.desk, trial.ref, DRILL)
    for difference in run.unexplained:
        trial.note(f"Difference: {difference}", "WARNING")
    if run.clean:
        clean[0] = began
    return any(one.kind == Kind.FOREIGN_POSITION for one in run.unexplained)


async def _clean(trial: Trial) -> bool:
    return bool((await gateway.reconcile(trial.desk, trial.ref, DRILL)).clean)
