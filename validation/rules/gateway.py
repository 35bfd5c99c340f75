"""Rules about the gateway, the configuration and the surroundings of a session."""

from brokerage.calendar import ET, is_regular_hours, next_weekly_expiry
from brokerage.models import OrderRecord
from brokerage.terms import PAPER_PORTS
from validation.build import SURROUNDINGS
from validation.configuration import ConfigError
from validation.facts import Average, Facts
from validation.models import AttemptState, Verdict
from validation.rules.rule import Finding, rule

State = OrderRecord.State
PYTHON = (3, 11)
NOT_KNOWN = "the worker has not told what it ran on"


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
    limit = facts.config.thresholds.connection_latency_ms
    return _below(facts.average("latency"), limit, "ms")


@rule
def fill_time(facts: Facts, _: str) -> Finding:
    """The time from placing an order to its fill is below its limit, on average and each."""
    limit = facts.config.thresholds.order_fill_timeout_seconds * 1000
    found = facts.average("fill")
    if found is not None and found.longest >= limit:
        return Finding(False, f"the longest took {found.longest:.4g} ms, limit {limit:g} ms")
    return _below(found, limit, "ms")


@rule
def quote_age(facts: Facts, _: str) -> Finding:
    """The average age of quotes is below its limit."""
    limit = facts.config.thresholds.quote_freshness_seconds
    return _below(facts.average("quote_age"), limit, "s")


def _below(found: Average | None, limit: float, unit: str) -> Finding:
    if found is None:
        return Finding(None, "not measured")
    least = "at least " if found.open_ended else ""
    text = f"average {least}{found.mean:.3g} {unit} of {found.n}, limit {limit:g} {unit}"
    return Finding(found.below(limit), text)


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
    if facts.session.simulated:
        return Finding(True, "simulated gateway")
    ran = facts.session.facts.get(SURROUNDINGS)
    if ran is None:
        return Finding(None, NOT_KNOWN)
    return Finding(ran["port"] in PAPER_PORTS, f"paper gateway at port {ran['port']}")


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
def preflight(facts: Facts, code: str) -> Finding:
    """The last preflight's check passed; what it could not find out decides nothing."""
    made = facts.preflight.checks.all() if facts.preflight else ()
    check = next((one for one in made if one.code == code), None)
    if check is None:
        return Finding(None, f"no preflight has made {code} yet")
    if check.verdict in {Verdict.UNKNOWN, Verdict.NOT_APPLICABLE}:
        return Finding(None, check.finding)
    return Finding(check.verdict == Verdict.PASS, check.finding)


@rule
def regular_hours(facts: Facts, _: str) -> Finding:
    """The session began and ended while the exchange was open, or its market never closes."""
    session = facts.session
    ran = session.facts.get(SURROUNDINGS, {})
    if session.simulated and ran.get("always_open"):
        return Finding(True, "the simulated market is always open")
    if session.started_at is None or session.ended_at is None:
        return Finding(None, "the session has not ended")
    inside = is_regular_hours(session.started_at) and is_regular_hours(session.ended_at)
    return Finding(inside, "inside regular hours" if inside else "partly outside regular hours")


@rule
def environment(facts: Facts, _: str) -> Finding:
    """The worker's Python and client library have the versions that the product needs."""
    ran = facts.session.facts.get(SURROUNDINGS)
    if ran is None:
        return Finding(None, NOT_KNOWN)
    python, library = tuple(ran["python"]), ran["ib_async"]
    return Finding(python >= PYTHON, f"Python {python[0]}.{python[1]}, ib_async {library}")


@rule
def tests_green(facts: Facts, _: str) -> Finding:
    """The latest uploaded test report of the session's code version is green."""
    upload = facts.upload
    if upload is None:
        return Finding(None, f"no test report of {facts.session.code_version[:12]} yet")
    bad = upload.failures + upload.errors
    return Finding(upload.green, f"upload {upload.pk}: {upload.tests} tests, {bad} not passed")
