"""Make a session of a test report that ran elsewhere: to be read and compared, never signed."""

from dataclasses import dataclass
from datetime import timedelta
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from brokerage.models import Endpoint
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import has_role
from validation import sessions
from validation.involvement import involve
from validation.models import (
    Attempt,
    AttemptState,
    ConfigRevision,
    RevisionState,
    Session,
    SessionKind,
    SessionState,
    Upload,
)
from validation.numbering import numbered
from validation.scenarios import catalogue, handoff
from validation.scenarios.catalogue import Definition, UnknownScenarioError
from validation.sessions import SessionRefused
from validation.uploads import outcome_of, problem_of, seconds_of

OUTCOMES = {
    "": AttemptState.PASSED,
    "failure": AttemptState.FAILED,
    "error": AttemptState.ERROR,
    "skipped": AttemptState.SKIPPED,
}

# From what is best to what is gravest.
GRAVITY = (AttemptState.PASSED, AttemptState.SKIPPED, AttemptState.ERROR, AttemptState.FAILED)


@dataclass(frozen=True)
class Case:
    """A case of the report that is a scenario of the catalogue."""

    definition: Definition
    state: AttemptState
    reason: str
    seconds: float


def import_report(upload: Upload, by: User) -> Session:
    """Return the session made of a report's cases; once for each report.

    A case is known by its scenario's id or slug, or by its name in the handed-over suite (SC-02).

    Raises PermissionDenied, and SessionRefused when no case is a scenario of the catalogue.
    """
    if not has_role(by, *sessions.MAY_TRY):
        raise PermissionDenied("Your role may not import sessions.")
    known = Session.objects.filter(kind=SessionKind.IMPORTED, facts__upload=upload.pk).first()
    if known is not None:
        return known
    root = fromstring(upload.content.encode(), forbid_dtd=True)
    cases = cases_of(root)
    if not cases:
        raise SessionRefused("No case of this report is a scenario of the catalogue.")
    session = numbered(lambda number: _create(number, upload, by, _properties(root), cases))
    publish("dashboard", sessions.topic(session))
    return session


def cases_of(root: Element) -> list[Case]:
    """Return the report's scenarios in a session's order, each with the gravest of its cases."""
    found: dict[str, list[Case]] = {}
    for element in root.iter("testcase"):
        if (definition := _definition(element)) is not None:
            outcome = outcome_of(element)
            reason = problem_of(element, outcome)["message"] if outcome else ""
            case = Case(definition, OUTCOMES[outcome], reason, seconds_of(element))
            found.setdefault(definition.id, []).append(case)
    return sorted(map(_as_one, found.values()), key=lambda case: case.definition.order)


def _as_one(cases: list[Case]) -> Case:
    """Several cases of a scenario are one result: none of them may hide behind another."""
    worst = max(cases, key=lambda case: GRAVITY.index(case.state))
    alike = sum(case.state == worst.state for case in cases)
    reason, seconds = worst.reason, sum(case.seconds for case in cases)
    if len(cases) > 1 and worst.state != AttemptState.PASSED:
        many = f"{worst.state.label} in {alike} of {len(cases)} cases"
        reason = f"{many}: {reason}" if reason else f"{many}."
    return Case(worst.definition, worst.state, reason, seconds)


def _definition(element: Element) -> Definition | None:
    words = [element.get("name", ""), *element.get("classname", "").split()[:1]]
    for word in words:
        try:
            return catalogue.load().get(handoff.scenario(word))
        except UnknownScenarioError:
            continue
    return None


def _properties(root: Element) -> dict[str, str]:
    return {one.get("name", ""): one.get("value", "") for one in root.iter("property")}


def _create(
    number: str, upload: Upload, by: User, told: dict[str, str], cases: list[Case]
) -> Session:
    endpoint = Endpoint.objects.filter(is_default=True).first() or Endpoint.objects.first()
    config = _config(told.get("config_sha256", ""))
    if endpoint is None or config is None:
        raise SessionRefused("No gateway or no configuration is set up.")
    took = timedelta(seconds=sum(case.seconds for case in cases))
    session = Session.objects.create(
        number=number, kind=SessionKind.IMPORTED, state=SessionState.REPORTING,
        endpoint=endpoint, endpoint_name=f"imported: {upload.branch}"[:100], config=config,
        # What does not say where it ran counts as the lesser claim.
        simulated=told.get("simulated") != "false", code_version=upload.commit,
        planned=len(cases), created_by=by, started_at=upload.uploaded_at - took,
        ended_at=upload.uploaded_at, facts={"upload": upload.pk, "run_url": upload.run_url},
        wanted=False,
    )  # fmt: skip
    Attempt.objects.bulk_create(
        _attempt(session, position, case) for position, case in enumerate(cases, start=1)
    )
    involve(session, by, "imported the session")
    record(
        "session.imported", "session", session.number, actor=by, upload=upload.pk,
        sha256=upload.sha256, scenarios=[case.definition.id for case in cases],
    )  # fmt: skip
    return session


def _config(digest: str) -> ConfigRevision | None:
    same = ConfigRevision.objects.filter(digest=digest).first()
    return same or ConfigRevision.objects.filter(state=RevisionState.ACTIVE).first()


def _attempt(session: Session, position: int, case: Case) -> Attempt:
    one = case.definition
    return Attempt(
        session=session, scenario=one.id, slug=one.slug, title=one.title, category=one.category,
        position=position, version="imported", severity=one.severity, timeout_s=one.timeout,
        state=case.state, reason=case.reason, duration_ms=round(case.seconds * 1000),
        started_at=session.started_at, ended_at=session.ended_at,
    )  # fmt: skip
