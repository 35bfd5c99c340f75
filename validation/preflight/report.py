"""Read a session's preflights: the newest findings, in groups, and what holds the session up."""

from collections.abc import Sequence
from typing import NamedTuple

from validation.models import HealthCheck, PreflightRun, Session, Verdict
from validation.preflight.judging import GROUPS


class Group(NamedTuple):
    """The findings of one group, in the order of their codes."""

    title: str
    checks: Sequence[HealthCheck]


class Findings(NamedTuple):
    """A preflight as a page shows it; `counts` are (verdict, its label, how many), none of zero."""

    run: PreflightRun
    groups: Sequence[Group]
    counts: Sequence[tuple[str, str, int]]

    @property
    def total(self) -> int:
        """How many checks were made."""
        return sum(len(group.checks) for group in self.groups)

    @property
    def open(self) -> list[HealthCheck]:
        """Everything that is not simply well, what blocks first."""
        quiet = {Verdict.PASS, Verdict.NOT_APPLICABLE}
        found = [one for group in self.groups for one in group.checks if one.verdict not in quiet]
        return sorted(found, key=lambda one: not one.holds_up)


def newest(session: Session) -> Findings | None:
    """Return the findings of the session's last preflight; None when it had none."""
    return told(session.preflights.order_by("number").last())


def told(run: PreflightRun | None) -> Findings | None:
    """Return what a preflight found; None of none."""
    if run is None:
        return None
    checks = list(run.checks.all())
    groups = [Group(name, [one for one in checks if one.group == name]) for name in GROUPS]
    counts = [
        (verdict.value, verdict.label, sum(one.verdict == verdict for one in checks))
        for verdict in Verdict
    ]
    return Findings(run, [one for one in groups if one.checks], [one for one in counts if one[2]])


def blockers(session: Session) -> str:
    """Return every finding that holds the session up, with its remedy, in sentences."""
    found = newest(session)
    held = [one for one in found.open if one.holds_up] if found else []
    words = [f"{one.code} {one.title}: {one.finding} {one.remedy}".strip() for one in held]
    return " ".join([f"{session.number} can't start.", *words])
