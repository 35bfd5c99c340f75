"""The reports of one execution: its corrections have ids that count up, and replace it."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

Report = TypeVar("Report", bound="Reported")


def execution_root(exec_id: str) -> str:
    """Return an execution's id without its last part, which counts its corrections."""
    root, dot, last = exec_id.rpartition(".")
    return root if dot and last.isdigit() else exec_id


def execution_revision(exec_id: str) -> int:
    """Return which report of one execution this is: a correction has a higher one."""
    _, dot, last = exec_id.rpartition(".")
    return int(last) if dot and last.isdigit() else 0


class Reported(Protocol):
    """A report of an execution."""

    @property
    def exec_id(self) -> str: ...


def standing(reports: Iterable[Report]) -> list[Report]:
    """Return of each execution the newest report alone: a correction replaces, it never adds."""
    newest: dict[str, Report] = {}
    for report in reports:
        known = newest.get(root := execution_root(report.exec_id))
        if known is None or _newer(report, known):
            newest[root] = report
    return list(newest.values())


def _newer(report: Reported, known: Reported) -> bool:
    return execution_revision(report.exec_id) > execution_revision(known.exec_id)
