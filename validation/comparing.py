"""Read sessions as they are compared, and choose with which earlier one."""

from datetime import datetime

from crucible.ledger.models import Entry
from validation.comparison import Comparison, Measured, Outcome, Run, ScenarioRun, compare
from validation.models import Attempt, Check, Metric, Session

APPROVED = "session.approved"


def baseline(session: Session) -> Session | None:
    """Return the session that this one is compared with by default; None when there is none.

    It is the last one that had been signed when this one began, else the last of its kind at its
    gateway that had ended by then. What is signed or run later changes nothing: a report that was
    read must not become another one.
    """
    if session.started_at is None:
        return None
    earlier = Session.objects.exclude(pk=session.pk).filter(
        simulated=session.simulated, started_at__lt=session.started_at
    )
    approvals = Entry.objects.filter(
        kind=APPROVED, object_type="session", at__lt=session.started_at
    ).order_by("-sequence")
    for number in approvals.values_list("object_id", flat=True):
        signed: Session | None = earlier.filter(number=number).first()
        if signed is not None:
            return signed
    same = earlier.filter(kind=session.kind, endpoint=session.endpoint_id)
    found: Session | None = same.order_by("-started_at", "-pk").first()
    return found


def compared(session: Session, other: Session | None = None) -> Comparison | None:
    """Compare a session with an earlier one, by default its baseline; None without one."""
    if other is not None:
        return compare(run_of(other), run_of(session))
    before = baseline(session)
    if before is None:
        return None
    return compare(run_of(before, session.started_at), run_of(session))


def run_of(session: Session, until: datetime | None = None) -> Run:
    """Return a session as it is compared; with `until` only the attempts that had ended by then."""
    attempts = session.attempts.exclude(ended_at=None)
    if until is not None:
        attempts = attempts.filter(ended_at__lte=until)
    rows = sorted(attempts, key=lambda one: (one.scenario, one.number))
    found: dict[str, list[Attempt]] = {}
    for attempt in rows:
        found.setdefault(attempt.scenario, []).append(attempt)
    checks = _checks(rows)
    return Run(
        number=session.number,
        kind=session.kind,
        build=session.code_version,
        config_number=session.config.number,
        config_sha256=session.config.digest,
        config=session.config.content,
        seed=session.seed,
        scenarios={name: _scenario(name, group, checks) for name, group in found.items()},
        metrics=_metrics([group[-1] for group in found.values()]),
    )


def _scenario(
    name: str, attempts: list[Attempt], checks: dict[int, dict[str, tuple[bool, str]]]
) -> ScenarioRun:
    outcomes = [Outcome(one.state, checks.get(one.pk, {})) for one in attempts]
    return ScenarioRun(name, attempts[-1].title, attempts[-1].version, outcomes)


def _checks(attempts: list[Attempt]) -> dict[int, dict[str, tuple[bool, str]]]:
    found: dict[int, dict[str, tuple[bool, str]]] = {}
    for check in Check.objects.filter(attempt__in=attempts).order_by("attempt", "position"):
        found.setdefault(check.attempt_id, {})[check.name] = (check.passed, check.actual)
    return found


def _metrics(attempts: list[Attempt]) -> dict[str, Measured]:
    names = {attempt.pk: attempt.scenario for attempt in attempts}
    values: dict[str, tuple[str, list[float]]] = {}
    for row in Metric.objects.filter(attempt__in=attempts).order_by("pk"):
        name = f"{names[row.attempt_id]} {row.name}"
        values.setdefault(name, (row.unit, []))[1].append(row.value)
    return {name: Measured(unit, found) for name, (unit, found) in values.items()}
