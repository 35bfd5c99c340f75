"""The matrix of edge cases: how well each is covered follows from the newest attempts."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.validation.conftest import Toys, fails, passes, run
from validation import edge_cases, sessions
from validation.edge_cases import CASES, Coverage, Line
from validation.models import AttemptState, Session
from validation.scenarios import catalogue

pytestmark = pytest.mark.django_db
P, F, S = AttemptState.PASSED, AttemptState.FAILED, AttemptState.SKIPPED


def attempt(state: str, simulated: bool = True) -> Any:
    return SimpleNamespace(pk=1, state=state, session=SimpleNamespace(simulated=simulated))


def line(case: int, **newest: Any) -> Line:
    """The line of a case in the product's catalogue; scenarios as BC_01=attempt(…)."""
    found = {name.replace("_", "-"): one for name, one in newest.items()}
    return edge_cases.matrix(catalogue.load().all(), found)[case - 1]


def test_all_seventeen_cases_have_a_scenario_of_the_core() -> None:
    lines = edge_cases.matrix(catalogue.load().all(), {})
    assert [row.case.number for row in lines] == list(range(1, 18))
    assert [row.case.number for row in lines if not any(one.core for one in row.evidence)] == []


@pytest.mark.parametrize(
    ("case", "newest", "coverage"),
    [
        (1, {}, Coverage.NONE),
        (1, {"BC_05": attempt(F)}, Coverage.NONE),
        (1, {"BC_05": attempt(P)}, Coverage.FULL),
        (3, {"BC_01": attempt(P)}, Coverage.PARTIAL),
        (3, {"BC_01": attempt(P), "X_04": attempt(P)}, Coverage.FULL),
        (3, {"BC_01": attempt(F), "X_04": attempt(P)}, Coverage.MANUAL),
        (2, {"RS_06": attempt(P), "X_03": attempt(F)}, Coverage.PARTIAL),
        (17, {"MD_06": attempt(P), "MD_04": attempt(F)}, Coverage.PARTIAL),
    ],
)
def test_coverage_follows_from_the_newest_attempts(
    case: int, newest: dict[str, Any], coverage: Coverage
) -> None:
    assert line(case, **newest).coverage == coverage


def test_evidence_of_simulated_gateways_alone_says_so() -> None:
    assert line(1, BC_05=attempt(P)).simulated_only
    assert not line(1, BC_05=attempt(P, simulated=False)).simulated_only
    assert not line(1, BC_05=attempt(F)).simulated_only


def test_the_report_s_content_leaves_out_what_has_no_verdict() -> None:
    rows = [attempt(S), attempt(P)]
    rows[0].scenario, rows[1].scenario = "BC-05", "BC-01"
    content = edge_cases.content(catalogue.load().all(), rows)
    assert (content[0]["coverage"], content[0]["evidence"]) == ("NONE", {})
    assert (content[2]["coverage"], content[2]["evidence"]) == ("PARTIAL", {"BC-01": "PASSED"})
    assert content[2]["why"] == CASES[2].why


@pytest.fixture
def one_case(toys: Toys, seeded: Any, operator: User) -> Session:
    toys.add("BC-05", passes, cases=(1,))
    toys.add("RS-02", fails, cases=(14,))
    return run(sessions.start(operator))


def test_the_page_tells_the_newest_evidence(
    one_case: Session, operator: User, client: Client
) -> None:
    client.force_login(operator)
    page = client.get("/catalogue/edge-cases/").content.decode()
    first, last = page.split('id="case-1"')[1].split("</tr>")[0], page.split('id="case-14"')[1]
    assert ("Full" in first, "SIMULATED" in first, one_case.number in first) == (True,) * 3
    assert "None" in last.split("</tr>")[0]


def test_a_later_attempt_overrules_an_earlier_one(one_case: Session) -> None:
    newest = edge_cases.newest_attempts()
    assert {name: one.state for name, one in newest.items()} == {"BC-05": P, "RS-02": F}
    assert newest["BC-05"].session == one_case
