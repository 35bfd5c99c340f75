"""What the broker's resets bring about is a warning inside their windows, and grave outside."""

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from brokerage.calendar import ET
from validation import watching
from validation.configuration import Config
from validation.models.watching import Finding, Phase, Severity
from validation.watch.conditions import Condition, Sighting
from validation.watch.notebook import Notebook

NIGHTLY = "the broker's nightly reset"


@dataclass
class Desk:
    """A notebook, the window that it is in, and what it has kept."""

    window: str = ""
    rows: list[Any] = field(default_factory=list)
    notebook: Notebook = field(init=False)

    def __post_init__(self) -> None:
        self.notebook = Notebook(0, self.rows.append, lambda: None, lambda: self.window)

    def tell(self, phase: Phase, kind: str = "link_lost", *, planned: bool = False) -> str:
        condition = Condition(kind, "gateway", Severity.CRITICAL, "1100", "Wait.")
        self.notebook.tell(Sighting(condition, phase, planned))
        finding = [row for row in self.rows if isinstance(row, Finding)][-1]
        return str(finding.severity)


def test_a_lost_link_inside_a_window_is_a_warning_that_names_it() -> None:
    desk = Desk(NIGHTLY)
    assert desk.tell(Phase.BEGAN) == "WARNING"
    assert desk.notebook.failures == 0
    assert desk.rows[0].text == f"1100 In {NIGHTLY}."
    assert desk.rows[1].level == "WARNING"


def test_outside_of_windows_it_is_what_it_was() -> None:
    desk = Desk()
    assert desk.tell(Phase.BEGAN) == "CRITICAL"
    assert desk.notebook.failures == 1


def test_what_outlasts_the_window_is_grave_and_counts_once() -> None:
    desk = Desk(NIGHTLY)
    desk.tell(Phase.BEGAN)
    desk.window = ""
    assert desk.tell(Phase.STILL) == "CRITICAL"
    assert desk.tell(Phase.STILL) == "CRITICAL"
    assert desk.tell(Phase.OVER) == "CRITICAL"
    assert desk.notebook.failures == 1


def test_what_ends_just_after_the_window_stays_a_warning() -> None:
    desk = Desk(NIGHTLY)
    desk.tell(Phase.BEGAN)
    desk.window = ""
    assert desk.tell(Phase.OVER) == "WARNING"
    assert desk.notebook.failures == 0
    assert desk.tell(Phase.BEGAN) == "CRITICAL"


@pytest.mark.parametrize("kind", ["difference_cash", "account_changed", "order_unanswered"])
def test_no_window_excuses_what_a_reset_does_not_explain(kind: str) -> None:
    desk = Desk(NIGHTLY)
    assert desk.tell(Phase.BEGAN, kind) == "CRITICAL"
    assert desk.notebook.failures == 1


@pytest.mark.parametrize(
    ("kind", "hour", "named"), [("PAPER", 0, NIGHTLY), ("PAPER", 11, ""), ("SIMULATED", 0, "")]
)
def test_a_session_goes_by_its_own_windows_at_a_broker_alone(
    monkeypatch: pytest.MonkeyPatch, kind: str, hour: int, named: str
) -> None:
    now = datetime(2026, 2, 17, hour, 20, tzinfo=ET)
    monkeypatch.setattr(watching, "timezone", SimpleNamespace(now=lambda: now))
    job: Any = SimpleNamespace(config=Config(), target=SimpleNamespace(kind=kind))
    assert watching.reset_window(job).partition(" (")[0] == named
