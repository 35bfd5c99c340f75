"""Broker connectivity: authentication, and starting without a gateway or coming back to it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from brokerage.calendar import is_regular_hours
from brokerage.errors import (
    AuthenticationError,
    ClientIdInUseError,
    GatewayConnectionError,
    GatewayError,
    GatewayTimeout,
    SafetyViolation,
)
from brokerage.gateway import Desk, Quote
from brokerage.terms import PAPER_PORTS, SIMULATED
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.counterparts import (
    LOOPBACK,
    AttemptLog,
    closed_port,
    refusal,
    silent_listener,
)
from validation.scenarios.steps import WAIT_TOLERANCE, allowance, check_waits, market_open, spy
from validation.scenarios.trial import Trial

CLASSIFICATION_LIMIT_S = 40.0
DISCONNECT_LIMIT_S = 2.0
NEWS_LIMIT_S = 20.0
FIRST_WAIT_S = 1.0
POLL_S = 0.1
UNREACHED = (GatewayConnectionError, AuthenticationError, ClientIdInUseError, GatewayTimeout)


@scenario(
    id="BC-01",
    slug="gateway-authentication",
    title="Gateway authentication",
    category=Category.BC,
    timeout=90,
    severity="S-CRIT",
    cases=(3,),
    waivable=False,
    own_connection=True,
)
async def gateway_authentication(trial: Trial) -> None:
    """The gateway lets the client in, and its account is provably a paper account.

    Connects read-only under a client id of its own, waits for the handshake, reads the managed
    accounts and the server's time. Then provokes the two failures that people confuse: nothing
    listens at an address, and something listens there but never answers.

    Passes when

    - the gateway accepts the client, gives a valid next order id and names at least one account;
    - every account is a paper account and it is the configured one (which a simulated gateway may
      go without);
    - the port is one of the broker's two paper ports (a simulated gateway may use any);
    - the server's time is within the configured tolerance (5 seconds) of the request;
    - a closed port is reported as a connection error and a silent listener as a failed
      authentication, each after at most 3 attempts and 40 seconds, in a message that names host,
      port and likely cause.
    """
    if not await _authenticate(trial):
        return
    with trial.planned_fault("connecting to a closed port and to a listener that never answers"):
        with closed_port() as port:
            await _classify(trial, "closed port", port, GatewayConnectionError)
        async with silent_listener() as port:
            await _classify(trial, "silent listener", port, AuthenticationError)


async def _authenticate(trial: Trial) -> bool:
    """Connect and judge what the gateway says of itself; whether it could be reached."""
    name = "gateway accepts the client"
    limit, attempts = trial.config.gateway.timeout, trial.config.validation.max_retry_attempts
    try:
        async with trial.connect(
            purpose="authentication", timeout=limit, attempts=attempts
        ) as desk:
            trial.check(name, "connected", f"as client {desk.client_id}", passed=desk.connected)
            _check_identity(trial, desk)
            await _check_server_time(trial, desk)
    except SafetyViolation as violation:
        trial.check("every account is a paper account", "paper", str(violation), passed=False)
        raise
    except UNREACHED as error:
        return trial.check(name, "connected", str(error), passed=False)
    return True


def _check_identity(trial: Trial, desk: Desk) -> None:
    trial.measure("connect_ms", desk.connect_ms, "ms")
    trial.measure("handshake_ms", desk.handshake_ms, "ms")
    trial.measure("attempts", desk.attempts)
    order_id, accounts = desk.next_order_id, ", ".join(desk.accounts) or "none"
    trial.check("next valid order id", "above 0", order_id, passed=order_id > 0)
    trial.check("managed accounts", "at least one", accounts, passed=bool(desk.accounts))
    trial.check("every account is a paper account", "paper", accounts, passed=proven(desk))
    _check_configured(trial, desk)
    _check_port(trial)


def _check_configured(trial: Trial, desk: Desk) -> None:
    """Every account is the configured one; only a simulated gateway may go without."""
    name, wanted = "account is the configured one", trial.target.expected_account
    if not wanted and trial.target.kind == SIMULATED:
        trial.note("No account is configured: any account of the simulated gateway will do")
        return
    expected, same = wanted or "one in the configuration", set(desk.accounts) == {wanted}
    trial.check(name, expected, ", ".join(desk.accounts), passed=same)


def proven(desk: Desk) -> bool:
    """Say whether the connection holds a paper proof of all its accounts."""
    return desk.proof is not None and set(desk.accounts) == set(desk.proof.accounts)


def _check_port(trial: Trial) -> None:
    port, kind = trial.target.port, trial.target.kind
    expected = " or ".join(map(str, sorted(PAPER_PORTS))) + ", any for a simulated gateway"
    allowed = port in PAPER_PORTS or kind == SIMULATED
    trial.check("port is a paper port", expected, f"{port} ({kind})", passed=allowed)


async def _check_server_time(trial: Trial, desk: Desk) -> None:
    tolerance = trial.config.thresholds.server_time_seconds
    name, expected = "server time", f"within {tolerance:g} s of the request"
    asked = trial.clock.wall_ms()
    try:
        reported = await desk.server_time()
        rtt_ms = trial.clock.wall_ms() - asked
        reference = await reference_time(trial, desk)
    except GatewayTimeout as error:
        trial.check(name, expected, str(error), passed=False)
        return
    trial.measure("server_time_rtt_ms", rtt_ms, "ms")
    off = (reported - reference).total_seconds()
    passed = abs(off) <= tolerance + allowance(trial)
    trial.check(name, expected, f"{off:+.1f} s", passed=passed)


async def reference_time(trial: Trial, desk: Desk) -> datetime:
    """Our own clock; where a simulated clock outruns it, the exchange's while it trades."""
    if trial.target.speed == 1:
        return datetime.now(UTC)
    if not trial.target.always_open and not is_regular_hours(desk.now()):
        return desk.now()
    quote = await desk.quote(await desk.qualify(spy(trial)))
    return quote.exchange_time or desk.now()


async def _classify(trial: Trial, what: str, port: int, wanted: type[GatewayError]) -> None:
    """Connect to something broken and judge the error: its class, patience and words."""
    most = trial.config.validation.max_retry_attempts
    started = trial.clock.elapsed()
    error = await refusal(trial, port, AttemptLog(trial))
    took = trial.clock.elapsed() - started
    trial.check(f"{what}: class of the error", wanted.__name__, type(error).__name__)
    few = 0 < error.attempts <= most
    trial.check(f"{what}: attempts", f"at most {most}", error.attempts, passed=few)
    fast = took <= CLASSIFICATION_LIMIT_S + allowance(trial)
    expected = f"at most {CLASSIFICATION_LIMIT_S:g} s"
    trial.check(f"{what}: time", expected, f"{took:.1f} s", passed=fast)
    clear = LOOPBACK in str(error) and str(port) in str(error) and bool(error.why)
    trial.check(f"{what}: message", "names host, port and cause", str(error), passed=clear)


@scenario(
    id="BC-05",
    slug="gateway-reconnection-resilience",
    title="Gateway reconnection resilience",
    category=Category.BC,
    timeout=60,
    severity="S-HIGH",
    cases=(1,),
    own_connection=True,
)
async def gateway_reconnection_resilience(trial: Trial) -> None:
    """Starting without a gateway and a short disconnect are both survived.

    Under a client id of its own, and declared as a planned fault:

    - tries to connect where nothing listens;
    - connects, disconnects on purpose and connects again, waiting 1, 2 and 4 seconds between
      attempts that fail.

    Passes when

    - the closed port is tried exactly 3 times with the agreed waits (within 20 %), one log line
      for each attempt, and nothing but a connection error reaches the caller;
    - the disconnect is noticed within 2 seconds;
    - the gateway is reached again within 3 attempts, after the agreed waits and no others (7
      seconds at most); its accounts are proven again and its order ids do not go back;
    - while the exchange trades, prices are news again within 20 seconds: what a gateway first tells
      after a reconnect may be what it knew before.
    """
    with trial.planned_fault("a gateway that is away at the start, and a disconnect on purpose"):
        await _start_without_gateway(trial)
        before = await _visit(trial)
        if before is not None:
            await _return(trial, before)


async def _start_without_gateway(trial: Trial) -> None:
    log = AttemptLog(trial)
    with closed_port() as port:
        error = await refusal(trial, port, log, again=True)
    wanted = trial.config.validation.max_retry_attempts
    trial.check("start without gateway: attempts", wanted, error.attempts)
    trial.check("start without gateway: log lines", wanted, log.lines)
    name = GatewayConnectionError.__name__
    trial.check("start without gateway: what the caller sees", name, type(error).__name__)
    base = trial.config.validation.exponential_backoff_base
    waits = [FIRST_WAIT_S * base**number for number in range(wanted)]
    check_waits(trial, "start without gateway", waits, error.gaps)


@dataclass(frozen=True)
class Visit:
    """What one connection learned: under which client id, the next order id, the accounts."""

    client_id: int
    next_order_id: int
    accounts: tuple[str, ...]
    quote: Quote | None = None


async def _visit(trial: Trial) -> Visit | None:
    """Connect, then disconnect on purpose and time how long that takes to show."""
    try:
        async with trial.connect(purpose="reconnection, first visit") as desk:
            quote = await _look(trial, desk)
            visit = Visit(desk.client_id, desk.next_order_id, desk.accounts, quote)
            left = trial.clock.elapsed()
            desk.disconnect()
            while desk.connected and trial.clock.elapsed() - left < DISCONNECT_LIMIT_S:
                await trial.clock.sleep(POLL_S)
            still, took = desk.connected, trial.clock.elapsed() - left
    except UNREACHED as error:
        trial.check("first connection", "connected", str(error), passed=False)
        return None
    actual = "still connected" if still else f"noticed after {took:.1f} s"
    expected = f"noticed within {DISCONNECT_LIMIT_S:g} s"
    trial.check("disconnect", expected, actual, passed=not still)
    return visit


async def _look(trial: Trial, desk: Desk) -> Quote | None:
    """Take a quote, to tell news from old prices by; none of a closed exchange."""
    if not market_open(trial, desk):
        return None
    return await desk.quote(await desk.qualify(spy(trial)))


async def _return(trial: Trial, before: Visit) -> None:
    """Connect again under the same client id and compare with the first visit."""
    most = trial.config.validation.max_retry_attempts
    name, expected = "reconnected", f"within {most} attempts"
    asked = trial.clock.wall_ms()
    options: dict[str, Any] = {"client_ids": [before.client_id], "attempts": most, "again": True}
    try:
        async with trial.connect(purpose="reconnection, second visit", **options) as desk:
            trial.measure("reconnect_ms", trial.clock.wall_ms() - asked, "ms")
            trial.measure("attempts", desk.attempts)
            few = desk.attempts <= most
            trial.check(name, expected, f"after {desk.attempts}", passed=few)
            _check_waited(trial, desk)
            _compare(trial, before, desk)
            if before.quote is not None:
                await _check_news(trial, before.quote, desk)
    except UNREACHED as error:
        trial.check(name, expected, str(error), passed=False)


def _check_waited(trial: Trial, desk: Desk) -> None:
    """A wait comes before each attempt, the first one included."""
    base = trial.config.validation.exponential_backoff_base
    due = FIRST_WAIT_S * sum(base**number for number in range(desk.attempts))
    waited, most = sum(desk.gaps), due * (1 + WAIT_TOLERANCE) + allowance(trial)
    agreed = due * (1 - WAIT_TOLERANCE) <= waited <= most
    trial.check("waits before the return", f"{due:g} s", f"{waited:.1f} s", passed=agreed)


def _compare(trial: Trial, before: Visit, desk: Desk) -> None:
    same = proven(desk) and desk.accounts == before.accounts
    accounts = ", ".join(desk.accounts)
    trial.check("accounts proven again", ", ".join(before.accounts), accounts, passed=same)
    forward = desk.next_order_id >= before.next_order_id
    expected = f"{before.next_order_id} or above"
    trial.check("order ids do not go back", expected, desk.next_order_id, passed=forward)


async def _check_news(trial: Trial, old: Quote, desk: Desk) -> None:
    """Wait for a price that is not the one from before the disconnect."""
    known = {"bid": old.bid, "ask": old.ask, "last": old.last}
    name, expected = "prices after the reconnect", f"news within {NEWS_LIMIT_S:g} s"
    actual = f"still bid {old.bid:g}, ask {old.ask:g}, last {old.last:g}"
    began = trial.clock.elapsed()
    with suppress(TimeoutError):
        async with trial.clock.timeout(NEWS_LIMIT_S), desk.stream(old.contract) as stream:
            async for tick in stream:
                if tick.price != known[tick.kind]:
                    actual = f"news after {trial.clock.elapsed() - began:.1f} s"
                    break
    trial.check(name, expected, actual, passed=actual.startswith("news"))
