"""The git tag that a validation earns: its exact name, and the commit that it belongs to."""

from dataclasses import dataclass

from validation.artefacts.markup import day
from validation.models import CodeTag, Session, SessionState
from validation.procedures import BLOCKED, PASSED
from validation.uploads import COMMIT

EARNED = {
    SessionState.APPROVED: PASSED,
    SessionState.SUPERSEDED: PASSED,
    SessionState.BLOCKED: BLOCKED,
}


@dataclass(frozen=True)
class Tag:
    """The tag that a session has earned, where it belongs, and the report that it is made."""

    name: str
    commit: str
    reported: CodeTag | None

    @property
    def known_commit(self) -> bool:
        """Whether the session's code version is a commit that a tag can stand at."""
        return bool(COMMIT.fullmatch(self.commit))

    @property
    def elsewhere(self) -> bool:
        """Whether the name was taken on the same day by another commit."""
        return self.reported is not None and self.reported.commit != self.commit


def name(session: Session, outcome: str) -> str:
    """Return phase1-validation-<outcome>-YYYYMMDD, of the exchange's day of the session's start.

    A simulated session's begins with "simulated-": a tag outlives the page that says so.
    """
    label = "simulated-" if session.simulated else ""
    return f"{label}phase1-validation-{outcome}-{day(session)}"


def earned(session: Session) -> Tag | None:
    """Return the tag of a full session that is approved or blocked; None for any other."""
    outcome = EARNED.get(SessionState(session.state))
    if outcome is None or not session.approvable:
        return None
    wanted = name(session, outcome)
    return Tag(wanted, session.code_version, CodeTag.objects.filter(name=wanted).first())
