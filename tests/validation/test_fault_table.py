"""The page of scenarios and faults is what the tests declare, and leaves nothing open."""

from pathlib import Path

from brokerage.simulator.faults.catalogue import CATALOGUE
from tests.fault_table import declared, passed, render
from tests.validation.scenarios.catches import Catch, catch
from validation.scenarios import catalogue

PAGE = Path(__file__).parents[2] / "docs" / "scenario_faults.md"
# What it guards is our own source and memory, no word of a gateway: its tests spoil these instead.
OFFLINE = {"MD-06"}


def test_the_page_is_what_make_fault_table_writes() -> None:
    assert PAGE.read_text() == render(declared()), "run make fault-table"


def test_no_fault_of_the_catalogue_is_open() -> None:
    assert set(CATALOGUE) - {row.name for row in declared()} == set()


def test_each_core_scenario_catches_a_fault_of_the_catalogue() -> None:
    catching = {row.scenario for row in declared() if isinstance(row, Catch)}
    core = {definition.id for definition in catalogue.load().core()}
    assert core - OFFLINE - catching == set()


def test_a_fault_that_nothing_names_is_open() -> None:
    page = render([catch("BC-01", "port_closed", "gateway accepts the client")])
    assert f"- {len(CATALOGUE) - 1} are open." in page


def test_what_a_run_did_not_show_is_marked(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(
        '<testsuite><testcase name="test_each[BC-01-port_closed]"/><testcase '
        'name="test_each[BC-05-port_closed]"><failure/></testcase></testsuite>'
    )
    rows = [catch(scenario, "port_closed", "one check") for scenario in ("BC-01", "BC-05")]
    page = render(rows, passed(results))
    assert "BC-01: one check<br>BC-05: one check **not shown**" in page
