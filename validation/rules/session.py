"""Rules about the course of a session: its pass rate, its orders and what it left."""

from brokerage.executions import standing
from brokerage.models import OrderRecord
from validation import findings
from validation.facts import Facts
from validation.models import AttemptState, CleanupState
from validation.rules.rule import Finding, rule

State = OrderRecord.State


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
    """The scenarios together took less than the suite's limit, in the gateway's time.

    The wait for the two hours of the watch is none of them.
    """
    latest = (one for one in facts.latest.values() if one.scenario != findings.TWO_HOURS)
    spent = sum(attempt.duration_ms or 0 for attempt in latest) / 60_000
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
    """Bought and sold quantities of each contract are equal; a correction replaces its fill."""
    fills, labels = standing(facts.executions), _labels(facts)
    net: dict[int, float] = {}
    for fill in fills:
        sign = 1 if fill.side.upper().startswith("B") else -1
        net[fill.con_id] = net.get(fill.con_id, 0.0) + sign * fill.quantity
        labels.setdefault(fill.con_id, fill.symbol)
    if not net:
        return Finding(None, "no fills")
    text = ", ".join(
        f"{labels[one]} net {net[one]:+g}" for one in sorted(net, key=labels.__getitem__)
    )
    return Finding(not any(net.values()), f"{len(fills)} fills, {text}")


def _labels(facts: Facts) -> dict[int, str]:
    """Name each contract that an own order traded, options by their own symbol."""
    return {order.con_id: order.local_symbol or order.symbol for order in facts.orders}


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
def sizing(facts: Facts, _: str) -> Finding:
    """No order was worth more than its share of the account, as BC-03 read it."""
    worth = facts.values("net_liquidation")
    sizes = [_size(order) for order in facts.sent_orders if _counts(order)]
    if not worth or not sizes:
        return Finding(None, "no orders, or the account's worth is unknown")
    known = [size for size in sizes if size is not None]
    biggest = max(known, default=0.0)
    limits = facts.config.limits
    cap = worth[0] * min(limits.risk_per_trade, limits.single_trade, limits.position)
    text = f"largest order {biggest:,.0f} USD, limit {cap:,.0f} USD"
    if biggest <= cap and len(known) < len(sizes):
        return Finding(None, f"{text}; {len(sizes) - len(known)} orders without a known price")
    return Finding(biggest <= cap, text)


def _counts(order: OrderRecord) -> bool:
    """An order at the market that ended without a fill was worth nothing."""
    if order.filled:
        return True
    if order.limit_price is None:
        return order.state not in {State.REJECTED, State.CANCELLED}
    return order.state != State.REJECTED


def _size(order: OrderRecord) -> float | None:
    """Return what an order was worth in USD: by its limit, or by what it was filled at."""
    price = order.limit_price if order.limit_price is not None else order.avg_price or None
    return None if price is None else price * order.quantity * order.multiplier


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
