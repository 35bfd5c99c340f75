"""How many clean runs lie in a row, and what that says of the failure rate (procedure X-07)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from validation.models import Attempt, AttemptState, CleanupState, Session, SessionKind
from validation.models.session import IN_FLIGHT, STOPPED, SessionState
from validation.statistics import flakiness_bound

WANTED = 5
KINDS = (SessionKind.FULL, SessionKind.DRY_RUN)
UNBEGUN = (SessionState.DRAFT, *IN_FLIGHT)
CLEANED = (CleanupState.DONE, CleanupState.NOT_NEEDED)


@dataclass(frozen=True)
class Streak:
    """Clean runs in a row, the newest first, and the run that ended the row before, if any."""

    sessions: tuple[Session, ...]
    broken_by: Session | None
    why: str

    @property
    def length(self) -> int:
        """How many there are."""
        return len(self.sessions)

    @property
    def reached(self) -> bool:
        """Whether there are as many as the definition of done asks for."""
        return self.length >= WANTED

    @property
    def wanted(self) -> int:
        """How many the definition of done asks for."""
        return WANTED

    @property
    def bound(self) -> float:
        """The upper 95 % bound of the share of runs that would not be clean."""
        return flakiness_bound(self.length)

    @property
    def told(self) -> str:
        """The bound in words."""
        return f"{self.bound:.0%}"

    @property
    def newest(self) -> Session | None:
        """The run that the others must be like: same configuration, code and kind of gateway."""
        return self.sessions[0] if self.sessions else self.broken_by


def current(core: Sequence[str]) -> Streak:
    """Return the row that ends with the newest run of the whole core, given by its ids.

    What was aborted counts as a run that was not clean, and so does a session that is under way, or
    a draft, once a first attempt of it has failed; else those do not count.
    """
    clean: list[Session] = []
    for session in _runs():
        why = _blemish(session, core)
        if not why and session.state in UNBEGUN:
            continue
        why = why or (_unlike(session, clean[0]) if clean else "")
        if why:
            return Streak(tuple(clean), session, why)
        clean.append(session)
    return Streak(tuple(clean), None, "")


def _runs() -> Iterable[Session]:
    runs = Session.objects.filter(kind__in=KINDS)
    return runs.select_related("config").order_by("-created_at", "-pk").iterator(chunk_size=20)


def _unlike(session: Session, newest: Session) -> str:
    """Say in what a run differs from the newest one, so that its result says nothing of that."""
    if session.config_id != newest.config_id:
        return "another configuration"
    if session.code_version != newest.code_version:
        return "another code version"
    return "another kind of gateway" if session.simulated != newest.simulated else ""


def _blemish(session: Session, core: Sequence[str]) -> str:
    """Say why a run is not clean; a pass at a second attempt is none."""
    if session.state in STOPPED:
        return session.get_state_display().lower()
    first = {one.scenario: one for one in Attempt.objects.filter(session=session, number=1)}
    missing = session.state in UNBEGUN  # what has not run yet, or will not
    bad = [name for name in core if not _passed(first.get(name), missing=missing)]
    if bad:
        return f"{', '.join(bad[:3])}{' and others' if bad[3:] else ''} did not pass at once"
    return "" if session.cleanup in CLEANED or session.state in UNBEGUN else "not cleaned up"


def _passed(attempt: Attempt | None, *, missing: bool) -> bool:
    """Whether it has passed; `missing` is the answer of one that is not there or has not ended."""
    if attempt is None or not attempt.ended:
        return missing
    return attempt.state == AttemptState.PASSED
