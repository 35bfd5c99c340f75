"""The rules that tick checklist items: each looks at a session's facts and says what it found.

A rule that can't know says so (`ok` is None), and the item stays open: it is never ticked by guess.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from statistics import fmean

from junitparser import JUnitXml

from brokerage.calendar import ET, is_regular_hours, next_weekly_expiry
from brokerage.models import OrderRecord
from validation import findings
from validation.artefacts.bundle import complete, problems, zipped
from validation.artefacts.file import TEXT, File
from validation.artefacts.junit import junit
from validation.artefacts.markup import when
from validation.artefacts.messages import broker_messages, session_log
from validation.artefacts.metrics_files import measurements_csv
from validation.artefacts.order_history import order_history
from validation.artefacts.pytest_text import pytest_text
from validation.configuration import PAPER_PORTS, ConfigError
from validation.facts import Facts
from validation.models import AttemptState, CleanupState

State = OrderRecord.State
PACING_CODES = frozenset({100, 420})
RATE_SCENARIO = "RS-02"
PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """What the machine saw; `ok` is None when that decides nothing."""

    ok: bool | None
    text: str


Rule = Callable[[Facts, str], Finding]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule under its function's name."""
    RULES[function.__name__] = function
    return function


def apply(name: str, facts: Facts) -> Finding:
    """Apply the rule `name` or `name:argument`; raises KeyError for one that does not exist."""
    key, _, argument = name.partition(":")
    return RULES[key](facts, argument)


@rule
def passed(facts: Facts, scenario: str) -> Finding:
    """The scenario's last attempt passed."""
    attempt = facts.latest.get(scenario)
    if attempt is None or not attempt.ended:
        return Finding(None, f"{scenario} has not ended.")
    again = f", attempt {attempt.number}" if attempt.number > 1 else ""
    text = f"{scenario} {AttemptState(attempt.state).label.lower()}{again}"
    return Finding(attempt.state == AttemptState.PASSED, text)


@rule
def orders_accepted(facts: Facts, _: str) -> Finding:
    """The gateway took at least one order."""
    accepted = {State.FILLED, State.CANCELLED, State.SUBMITTED, State.PARTIAL}
    count = sum(order.state in accepted for order in facts.orders)
    return Finding(True if count else None, f"{count} orders were accepted")


@rule
def paper_proofs(facts: Facts, _: str) -> Finding:
    """Every reading of the accounts proved paper."""
    accounts = sorted({account for proof in facts.proofs for account in proof.accounts})
    if not facts.proofs:
        return Finding(None, "no account was read during the session")
    return Finding(all(proof.ok for proof in facts.proofs), f"accounts: {', '.join(accounts)}")


@rule
def no_live_account(facts: Facts, _: str) -> Finding:
    """No reading of the accounts showed anything but paper."""
    bad = [proof for proof in facts.proofs if not proof.ok]
    if not facts.proofs:
        return Finding(None, "no account was read during the session")
    return Finding(not bad, f"{len(bad)} of {len(facts.proofs)} readings were not paper")


@rule
def latency(facts: Facts, _: str) -> Finding:
    """The average round trip of a server-time request is below its limit."""
    return _below(facts.figure("latency"), facts.config.thresholds.connection_latency_ms, "ms")


@rule
def fill_time(facts: Facts, _: str) -> Finding:
    """The average time from placing an order to its fill is below its limit."""
    limit = facts.config.thresholds.order_fill_timeout_seconds * 1000
    return _below(facts.figure("fill"), limit, "ms")


@rule
def quote_age(facts: Facts, _: str) -> Finding:
    """The average age of quotes is below its limit."""
    return _below(facts.figure("quote_age"), facts.config.thresholds.quote_freshness_seconds, "s")


def _below(values: list[float], limit: float, unit: str) -> Finding:
    if not values:
        return Finding(None, "not measured")
    mean = fmean(values)
    text = f"average {mean:.3g} {unit} of {len(values)}, limit {limit:g} {unit}"
    return Finding(mean < limit, text)


@rule
def config_valid(facts: Facts, _: str) -> Finding:
    """The pinned revision satisfies the schema."""
    try:
        facts.config.content()
    except ConfigError as error:
        return Finding(False, str(error)[:400])
    return Finding(True, f"revision {facts.session.config.number} is valid")


@rule
def paper_port(facts: Facts, _: str) -> Finding:
    """The endpoint's port is one of the broker's paper ports, or the gateway is simulated."""
    port = facts.session.endpoint.port
    good = facts.session.simulated or port in PAPER_PORTS
    kind = "simulated gateway" if facts.session.simulated else "paper gateway"
    return Finding(good, kind if facts.session.simulated else f"{kind} at port {port}")


@rule
def expiry_current(facts: Facts, _: str) -> Finding:
    """The pinned expiry is the weekly expiry of the session's day."""
    at = facts.session.started_at or facts.session.created_at
    wanted = f"{next_weekly_expiry(at.astimezone(ET).date()):%Y%m%d}"
    have = facts.config.test_contracts.spy_weekly_call.expiry
    return Finding(have == wanted, f"{have or 'none'}, expected {wanted}")


@rule
def timeouts(facts: Facts, _: str) -> Finding:
    """The gateway's and the historical time-outs are 30 s or more."""
    least = min(facts.config.gateway.timeout, facts.config.thresholds.historical_timeout_seconds)
    return Finding(least >= 30, f"shortest {least:g} s")


@rule
def regular_hours(facts: Facts, _: str) -> Finding:
    """The session began and ended while the exchange was open, or its market never closes."""
    session = facts.session
    if session.simulated and session.endpoint.always_open:
        return Finding(True, "the simulated market is always open")
    if session.started_at is None or session.ended_at is None:
        return Finding(None, "the session has not ended")
    inside = is_regular_hours(session.started_at) and is_regular_hours(session.ended_at)
    return Finding(inside, "inside regular hours" if inside else "partly outside regular hours")


@rule
def environment(facts: Facts, _: str) -> Finding:
    """Python and the broker's client library have the versions that the product needs."""
    text = f"Python {sys.version_info[0]}.{sys.version_info[1]}, ib_async {version('ib_async')}"
    return Finding(sys.version_info[:2] >= PYTHON, text)


@rule
def tests_green(facts: Facts, _: str) -> Finding:
    """The latest uploaded test report of the session's code version is green."""
    upload = facts.upload
    if upload is None:
        return Finding(None, f"no test report of {facts.session.code_version[:12]} yet")
    bad = upload.failures + upload.errors
    return Finding(upload.green, f"upload {upload.pk}: {upload.tests} tests, {bad} not passed")


@rule
def pass_rate(facts: Facts, _: str) -> Finding:
    """Every planned scenario passed."""
    good, planned = facts.count(AttemptState.PASSED), facts.session.planned
    return Finding(bool(planned) and good == planned, f"{good} of {planned} passed")


@rule
def warnings(facts: Facts, _: str) -> Finding:
    """Every warning, of a scenario or of the preflight, was acknowledged by a person."""
    count, left = len(facts.warnings), len(facts.open_warnings)
    text = f"{count} warnings, {left} to acknowledge" if count else "0 warnings"
    return Finding(None if left else True, text)


@rule
def suite_time(facts: Facts, _: str) -> Finding:
    """The scenarios together took less than the suite's limit, in the gateway's time."""
    spent = sum(attempt.duration_ms or 0 for attempt in facts.latest.values()) / 60_000
    minutes, limit = spent * facts.session.speed, facts.config.thresholds.suite_minutes
    return Finding(minutes <= limit, f"{minutes:.1f} of {limit:g} minutes")


@rule
def watched(facts: Facts, _: str) -> Finding:
    """The watch saw regular hours for as long as is asked, and no failure."""
    return Finding(*findings.watched(facts.session, facts.config))


@rule
def no_skips(facts: Facts, _: str) -> Finding:
    """Every scenario ran to an end of its own."""
    count = facts.count(AttemptState.SKIPPED, AttemptState.ABORTED)
    return Finding(not count, f"{count} skipped")


@rule
def positions_traded(facts: Facts, _: str) -> Finding:
    """Bought and sold quantities of each contract are equal; a failure fails the item."""
    net: dict[str, float] = {}
    for fill in facts.executions:
        sign = 1 if fill.side.upper().startswith("B") else -1
        net[fill.symbol] = net.get(fill.symbol, 0.0) + sign * fill.quantity
    if not net:
        return Finding(None, "no fills")
    text = ", ".join(f"{symbol} net {total:+g}" for symbol, total in sorted(net.items()))
    return Finding(not any(net.values()), f"{len(facts.executions)} fills, {text}")


@rule
def flat(facts: Facts, _: str) -> Finding:
    """The clean-up cancelled and closed everything and verified it."""
    state = CleanupState(facts.session.cleanup)
    known = {CleanupState.DONE: True, CleanupState.FAILED: False}
    return Finding(known.get(state), facts.session.cleanup_note[:400] or state.label)


@rule
def orders_logged(facts: Facts, _: str) -> Finding:
    """Every order that was sent has its events."""
    silent = [order for order in facts.sent_orders if not order.events.exists()]
    if not facts.sent_orders:
        return Finding(None, "no orders")
    return Finding(not silent, f"{len(facts.sent_orders)} orders, {len(silent)} without events")


@rule
def orders_ended(facts: Facts, _: str) -> Finding:
    """No own order is still open."""
    pending = [order for order in facts.sent_orders if not order.terminal]
    if not facts.sent_orders:
        return Finding(None, "no orders")
    return Finding(not pending, f"{len(facts.sent_orders)} orders, {len(pending)} pending")


@rule
def orders_in_time(facts: Facts, _: str) -> Finding:
    """Every order was created between the session's start and end."""
    start, end = facts.session.started_at, facts.session.ended_at
    if start is None or end is None or not facts.orders:
        return Finding(None, "no orders, or the session has not ended")
    outside = [order for order in facts.orders if not start <= order.created_at <= end]
    return Finding(not outside, f"{len(outside)} orders outside of the session")


@rule
def orders_expected(facts: Facts, _: str) -> Finding:
    """No order was rejected by the broker, left unanswered, unknown, or filled after a cancel."""
    odd = {State.REJECTED, State.NO_RESPONSE, State.UNKNOWN}
    strange = [order for order in facts.orders if order.state in odd or order.late_fill]
    if not facts.orders:
        return Finding(None, "no orders")
    return Finding(not strange, f"{len(strange)} of {len(facts.orders)} orders are unexpected")


@rule
def log_errors(facts: Facts, _: str) -> Finding:
    """A person reviews errors; without any unplanned one there is nothing to review."""
    count = len(facts.unplanned("ERROR", "CRITICAL"))
    return Finding(None if count else True, f"{count} unplanned errors")


@rule
def log_warnings(facts: Facts, _: str) -> Finding:
    """A person reviews warnings; without any unplanned one there is nothing to review."""
    count = len(facts.unplanned("WARNING"))
    return Finding(None if count else True, f"{count} unplanned warnings")


@rule
def no_disconnects(facts: Facts, _: str) -> Finding:
    """No connection was lost without being provoked."""
    lost = [line for line in facts.log_lines if line.message.startswith("Disconnected")]
    unplanned = [line for line in lost if not facts.planned(line)]
    text = f"{len(lost)} in all, {len(lost) - len(unplanned)} planned, {len(unplanned)} unplanned"
    return Finding(not unplanned, text)


@rule
def no_pacing(facts: Facts, _: str) -> Finding:
    """The broker complained of pacing in the rate-limit scenario only."""
    found = [
        line
        for line in facts.log_lines
        if line.source == "broker"
        and (line.code in PACING_CODES or "pacing" in line.message.lower())
        and not facts.planned(line)
        and not (line.attempt and line.attempt.scenario == RATE_SCENARIO)
    ]
    return Finding(not found, f"{len(found)} pacing messages")


@rule
def log_stored(facts: Facts, _: str) -> Finding:
    """The session's log holds lines, each with its time."""
    count = len(facts.log_lines)
    return Finding(True if count else None, f"{count} lines")


@rule
def results_kept(facts: Facts, _: str) -> Finding:
    """The results render as text and as JUnit XML, and the XML reads back with every case."""
    text, document = pytest_text(facts), JUnitXml.fromstring(junit(facts).encode())
    cases, wanted = sum(len(suite) for suite in document), len(facts.counted)
    lines = sum(line.endswith("%]") for line in text.splitlines())
    good = bool(wanted) and cases == lines == wanted
    return Finding(good, f"{cases} cases in the XML, {lines} in the text, of {wanted}")


@rule
def archive_sound(facts: Facts, _: str) -> Finding:
    """What was recorded packs into an archive that agrees with its own manifest."""
    parts = {
        "pytest_report.xml": junit(facts), "pytest_report.txt": pytest_text(facts),
        "session_log.jsonl": session_log(facts), "broker_messages.csv": broker_messages(facts),
        "orders.json": order_history(facts), "measurements.csv": measurements_csv(facts),
    }  # fmt: skip
    files = [File(name, TEXT, text.encode()) for name, text in parts.items()]
    at = when(facts.session)
    wrong = problems(zipped(complete(files, {"session": facts.session.number}, at), at))
    return Finding(not wrong, " ".join(wrong) or f"{len(files)} files packed and verified")


@rule
def sizing(facts: Facts, _: str) -> Finding:
    """No order was worth more than its share of the account, as BC-03 read it."""
    worth = facts.values("net_liquidation")
    priced = [order for order in facts.sent_orders if order.limit_price is not None]
    if not worth or not priced:
        return Finding(None, "no orders, or the account's worth is unknown")
    sizes = [(order.limit_price or 0.0) * order.quantity * order.multiplier for order in priced]
    biggest = max(sizes)
    limits = facts.config.limits
    cap = worth[0] * min(limits.risk_per_trade, limits.single_trade, limits.position)
    return Finding(biggest <= cap, f"largest order {biggest:,.0f} USD, limit {cap:,.0f} USD")


@rule
def balance(facts: Facts, _: str) -> Finding:
    """The account lost no more than the configured share of the capital during the session."""
    before = facts.session.facts.get("opening_balance")
    after = facts.session.facts.get("closing_balance")
    if before is None or after is None:
        return Finding(None, "the balance was not read before and after")
    paper = facts.config.paper_trading
    cap = paper.initial_capital * paper.max_loss_fraction
    text = f"{before:,.2f} → {after:,.2f} USD, loss limit {cap:,.0f} USD"
    return Finding(before - after <= cap, text)


@rule
def report_complete(facts: Facts, _: str) -> Finding:
    """Summary and recommendation are written."""
    session = facts.session
    done = bool(session.summary.strip() and session.recommendation.strip())
    return Finding(True if done else None, "written" if done else "not written yet")


@rule
def issues_listed(facts: Facts, _: str) -> Finding:
    """The field for known issues says something, "none" at least."""
    done = bool(facts.session.known_issues.strip())
    return Finding(True if done else None, "listed" if done else "not written yet")


@rule
def figures_recorded(facts: Facts, _: str) -> Finding:
    """The scenarios measured something."""
    count = len(facts.metrics)
    return Finding(True if count else None, f"{count} figures")


@rule
def connections_released(facts: Facts, _: str) -> Finding:
    """The worker closed every connection that it opened."""
    opened = facts.session.facts.get("connections_opened")
    closed = facts.session.facts.get("connections_released")
    if not opened:
        return Finding(None, "no connections counted")
    return Finding(opened == closed, f"{closed} of {opened} released")
