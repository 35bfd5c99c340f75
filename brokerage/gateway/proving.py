"""Paper proofs and what was seen of a gateway, written down; a violation raises every alarm."""

import time
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from brokerage import kill, safety
from brokerage.errors import SafetyViolation
from brokerage.models import AccountProof, Endpoint
from brokerage.terms import PaperProof, Target
from crucible.alerts.raising import raise_alert
from crucible.ledger.record import record

ACTOR = "gateway"
RULE = "not paper"


def prove(
    target: Target, accounts: tuple[str, ...], *, server_version: int, client_id: int
) -> PaperProof:
    """Write the reading down and return the proof.

    Raises SafetyViolation when the accounts do not prove paper; by then ledger, alert and, for an
    account that is not a paper account, the kill switch know of it.
    """
    problem = safety.account_problem(accounts, target.expected_account)
    read_at = time.monotonic()
    with transaction.atomic():
        _keep(target, accounts, problem, server_version=server_version, client_id=client_id)
        if problem:
            _sound(target, accounts, problem)
    if problem:
        raise violation(target, problem)
    observe(target, Endpoint.Seen.CONNECTED, server_version=server_version)
    return PaperProof(accounts, read_at, timezone.now())


def violation(target: Target, problem: str) -> SafetyViolation:
    """Return what to raise for accounts that do not prove paper."""
    whom = "the paper user"
    if target.expected_account:
        whom = f"a paper user that sees the account {target.expected_account} alone"
    return SafetyViolation(
        f"{target.address} was disconnected at once.",
        problem,
        f"Log the gateway out and log it in with {whom}; then run the proof again.",
    )


@transaction.atomic
def refuse(target: Target, violation: SafetyViolation) -> None:
    """Write down that a connection was refused before a socket was opened."""
    _sound(target, (), str(violation))


@transaction.atomic
def unmask(
    target: Target,
    accounts: tuple[str, ...],
    violation: SafetyViolation,
    *,
    server_version: int,
    client_id: int,
) -> None:
    """Write down that another kind of gateway answers than the target says."""
    _keep(target, accounts, violation.why, server_version=server_version, client_id=client_id)
    _sound(target, accounts, f"{violation.why} {violation.do}", Endpoint.Seen.OTHER_KIND)


def _keep(
    target: Target,
    accounts: tuple[str, ...],
    problem: str,
    *,
    server_version: int,
    client_id: int,
) -> None:
    AccountProof.objects.create(
        endpoint_id=target.endpoint_id,
        target=f"{target.name} {target.address}",
        accounts=list(accounts),
        ok=not problem,
        reason=problem[:255],
        server_version=server_version,
        client_id=client_id,
    )


def _sound(
    target: Target,
    accounts: Iterable[str],
    problem: str,
    seen: Endpoint.Seen = Endpoint.Seen.NOT_PAPER,
) -> None:
    observe(target, seen, error=problem)
    accounts = list(accounts)
    # First: the switch is locked before the ledger, here as everywhere.
    if any(not safety.is_paper(account) for account in accounts):
        kill.trigger(ACTOR, f"{target.address}: {problem}", rule=RULE)
    raise_alert(
        seen.lower().replace("_", "-"),
        str(seen.label),
        problem,
        severity="CRITICAL",
        ref=target.address,
    )
    record(
        "safety.violation",
        "endpoint",
        target.name,
        actor=ACTOR,
        address=target.address,
        accounts=accounts,
        problem=problem,
    )


def observe(
    target: Target, state: str, *, error: str = "", server_version: int | None = None
) -> None:
    """Note on the endpoint, if the target has one, what was just seen of the gateway."""
    if target.endpoint_id is None:
        return
    for endpoint in Endpoint.objects.filter(pk=target.endpoint_id):
        endpoint.observe(state, error=error, server_version=server_version)
