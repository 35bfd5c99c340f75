"""Read sessions as they are compared, and choose with which earlier one."""

from datetime import datetime

from django.db.models import QuerySet

from crucible.ledger.models import Entry
from validation import metrics
from validation.comparison import Comparison, Measured, Outcome, Run, ScenarioRun, compare
from validation.models import Attempt, Check, Metric, Session
from validation.statistics import NOTHING, Interval

APPROVED = "session.approved"


def baseline(session: Session) -> Session | None:
    """Return the session that this one is compared with by default; None when there is none.

    It is the last one that had been signed when this one began, else the last of its kind at its
    gateway that had begun before. What is signed or run later changes nothing: a report that was
    read must not become another one.
    """
    return _signed(session) or _alike(session)


def _earlier(session: Session) -> QuerySet[Session]:
    rows = Session.objects.exclude(pk=session.pk)
    if session.started_at is None:
        return rows.none()
    return rows.filter(simulated=session.simulated, started_at__lt=session.started_at)


def _signed(session: Session) -> Session | None:
    approvals = Entry.objects.filter(
        kind=APPROVED, object_type="session", at__lt=session.started_at or session.created_at
    ).order_by("-sequence")
    for number in approvals.values_list("object_id", flat=True):
        found: Session | None = _earlier(session).filter(number=number).first()
        if found is not None:
            return found
    return None


def _alike(session: Session) -> Session | None:
    same = _earlier(session).filter(kind=session.kind, endpoint=session.endpoint_id)
    found: Session | None = same.order_by("-started_at", "-pk").first()
    return found


def compared(session: Session, other: Session | None = None) -> Comparison | None:
    """Compare a session with an earlier one, by default its baseline; None without one."""
    before = other or baseline(session)
    return None if before is None else compare(run_of(before), run_of(session))


def compared_for_good(session: Session) -> Comparison | None:
    """Compare a session with its baseline by what can't change any more; None without one.

    A signed session is complete. Of another one only the attempts count that had ended when this
    session began, because it may be run further; its judged metrics are left out.
    """
    signed = _signed(session)
    if signed is not None:
        return compare(run_of(signed), run_of(session))
    before = _alike(session)
    if before is None:
        return None
    return compare(run_of(before, session.started_at), run_of(session, judged=False))


def run_of(session: Session, until: datetime | None = None, *, judged: bool = True) -> Run:
    """Return a session as it is compared; with `until` only the attempts that had ended by then."""
    attempts = session.attempts.exclude(ended_at=None)
    if until is not None:
        attempts = attempts.filter(ended_at__lte=until)
    rows = sorted(attempts, key=lambda one: (one.scenario, one.number))
    found: dict[str, list[Attempt]] = {}
    for attempt in rows:
        found.setdefault(attempt.scenario, []).append(attempt)
    checks = _checks(rows)
    figures = _figures([group[-1] for group in found.values()])
    return Run(
        number=session.number,
        kind=session.kind,
        build=session.code_version,
        config_number=session.config.number,
        config_sha256=session.config.digest,
        config=session.config.content,
        seed=session.seed,
        scenarios={name: _scenario(name, group, checks) for name, group in found.items()},
        metrics=(_judged(session) if judged and until is None else {}) | figures,
    )


def _judged(session: Session) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for row in metrics.content(session):
        low, high = (end if isinstance(end, float) else None for end in row["ci95"])
        values = [] if row["value"] is None else [row["value"]]
        # A complete count has no interval: its two bounds are the count itself.
        interval = NOTHING if low == high else Interval(low, high)
        found[f"{row['code']} {row['name']}"] = Measured(row["unit"], values, interval, row["n"])
    return found


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


def _figures(attempts: list[Attempt]) -> dict[str, Measured]:
    names = {attempt.pk: attempt.scenario for attempt in attempts}
    values: dict[str, tuple[str, list[float]]] = {}
    for row in Metric.objects.filter(attempt__in=attempts).order_by("pk"):
        name = f"{names[row.attempt_id]} {row.name}"
        values.setdefault(name, (row.unit, []))[1].append(row.value)
    return {name: Measured(unit, found) for name, (unit, found) in values.items()}
