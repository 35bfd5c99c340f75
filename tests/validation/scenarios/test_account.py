"""The account: sound gateways pass, and each fault turns the check that guards against it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from brokerage.simulator.faults.session import NeverEnds
from brokerage.terms import Summary
from brokerage.tws import messages as tws
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios import account
from validation.scenarios.trial import Trial


@dataclass
class SummaryNeverEnds(NeverEnds):
    """accountSummaryEnd does not come."""

    end = tws.AccountSummaryEnd


@dataclass
class SummaryStaysOpen(NeverEnds):
    """The cancellation of a summary gets lost."""

    def incoming(self, session: Any, message: Any) -> Any:
        return () if isinstance(message, tws.CancelAccountSummary) else (message,)

    def outgoing(self, session: Any, message: Any) -> Any:
        return (message,)


CATCHES = (
    catch("BC-02", "account_never_ends", "account values comes to its end"),
    catch("BC-02", SummaryNeverEnds, "account summary comes to its end"),
    catch("BC-02", SummaryStaysOpen, "subscriptions to the summary are cancelled"),
    catch("BC-04", "positions_never_end", "request completes"),
    catch("BC-04", "open_orders_never_end", "open orders complete"),
    catch("BC-04", "executions_never_end", "executions complete"),
    catch("BC-04", "position_changed_elsewhere", "undocumented positions"),
)


@pytest.mark.parametrize("scenario", ["BC-02", "BC-03", "BC-04"])
async def test_passes_on_a_sound_gateway(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.warned, outcome.ending.reason) == (set(), set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_another_account_than_configured_fails(run_scenario: Run) -> None:
    async def expect_another(trial: Trial) -> None:
        trial.target = replace(trial.target, expected_account="DU7654321")

    outcome = await run_scenario("BC-02", prepare=expect_another)
    assert outcome.failed == {"account is the configured one"}


async def test_all_tags_and_the_time_are_measured(sound: Run) -> None:
    outcome = await sound("BC-02")
    assert outcome.measured["tags_found"] == len(account.TAGS)
    assert outcome.measured["account_summary_ms"] > 0


@pytest.mark.parametrize("value", [None, float("nan")], ids=["absent", "no number"])
async def test_a_missing_figure_is_named(run_scenario: Run, value: float | None) -> None:
    async def spoil(trial: Any) -> None:
        read = trial.desk.account_summary

        async def spoilt() -> Summary:
            summary: Summary = await read()
            values = summary.values | {"ExcessLiquidity": value}
            kept = {tag: figure for tag, figure in values.items() if figure is not None}
            return Summary(summary.account, summary.currency, kept)

        trial.desk.account_summary = spoilt

    outcome = await run_scenario("BC-02", prepare=spoil)
    row = next(row for row in outcome.trial.checks if row.name == "figures that are numbers")
    assert (outcome.failed, row.actual) == ({row.name}, "missing: ExcessLiquidity")


async def test_values_of_another_worth_than_the_summary_s_fail(run_scenario: Run) -> None:
    async def spoil(trial: Any) -> None:
        async def other() -> Summary:
            return Summary("DU1234567", "USD", {"NetLiquidation": 98_000.0})

        trial.desk.account_values = other

    outcome = await run_scenario("BC-02", prepare=spoil)
    assert outcome.failed == {"summary and values agree"}
