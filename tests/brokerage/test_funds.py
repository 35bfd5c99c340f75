"""Cash and realised profit against executions, without a database or a gateway."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brokerage.comparison import FillRow, Kind
from brokerage.funds import CASH, REALIZED, Moved, Now, Start, compare_funds, differences, moved
from brokerage.funds import start as start_of

AT = datetime(2026, 2, 17, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=4)
BUY = FillRow("x.1.01.01", 210, 5, "s1/OE", 756, "SPY", 1, 500.0, 1.0, AT)
SELL = replace(BUY, exec_id="x.2.01.01", quantity=-1, price=502.0, realized=0.0)
BEGUN = Start("2026-02-17", {CASH: 1000.0, REALIZED: 0.0}, settled=True)
IDLE = Moved({CASH: 0.0, REALIZED: 0.0})
NOW = Now("2026-02-17", {CASH: 1000.0, REALIZED: 0.0}, IDLE)


def ours(ref: str) -> bool:
    return ref.startswith("s1/")


def come_to(
    *own: FillRow, broker: tuple[FillRow, ...] = (), at: datetime = LATER
) -> Mapping[str, float]:
    found = moved(own, [*own, *broker], ours, at)
    assert found is not None
    return found.amounts


def verdict(now: Now, begun: Start | None = BEGUN, explained: float = 0.0) -> tuple[str, str]:
    cash, _ = compare_funds(begun, now, {CASH: explained})
    return cash.verdict.value, cash.why


def test_a_round_trip_costs_its_commissions_and_brings_its_profit() -> None:
    sold = replace(SELL, realized=0.5)
    assert come_to(BUY, sold) == {CASH: -500 + 502 - 2, REALIZED: 0.5}


def test_an_option_counts_by_the_multiplier_that_the_broker_names() -> None:
    listed = replace(BUY, price=2.0, multiplier=100)
    found = moved([replace(listed, multiplier=1)], [listed], ours, LATER)
    assert found is not None
    assert found.amounts[CASH] == -201


def test_executions_of_others_move_the_account_as_well() -> None:
    other = replace(BUY, exec_id="y.1.01.01", ref="a bot")
    assert come_to(BUY, broker=(other,))[CASH] == -1002


def test_a_corrected_execution_counts_once() -> None:
    corrected = replace(BUY, exec_id="x.1.01.02", price=499.0)
    assert come_to(BUY, corrected)[CASH] == -500


@pytest.mark.parametrize("lacks", [{"commission": None}, {"currency": "EUR"}])
def test_nothing_is_reckoned_without_a_commission_in_dollars(lacks: Any) -> None:
    assert moved([replace(BUY, **lacks)], [], ours, LATER) is None


def test_the_start_is_the_account_without_its_executions() -> None:
    bought = Moved({CASH: -501.0, REALIZED: 0.0}, 1, 200.0)
    begun = start_of(Now("2026-02-17", {CASH: 499.0, REALIZED: 0.0}, bought))
    assert begun == BEGUN


@pytest.mark.parametrize("now", [replace(NOW, moved=None), replace(NOW, told={})])
def test_there_is_no_start_while_something_is_not_known(now: Now) -> None:
    assert start_of(now) is None


@pytest.mark.parametrize(
    ("told", "explained", "expected"),
    [
        (1000.0, 0.0, "AGREES"),
        (1000.02, 0.0, "AGREES"),
        (1000.03, 0.0, "DIFFERS"),
        (999.0, 0.0, "DIFFERS"),
        (999.0, -1.0, "AGREES"),
        (1000.0, -1.0, "DIFFERS"),
    ],
)
def test_cash_agrees_within_its_tolerance(told: float, explained: float, expected: str) -> None:
    now = replace(NOW, told={CASH: told, REALIZED: 0.0})
    assert verdict(now, explained=explained) == (expected, "")


def test_each_execution_adds_a_cent_to_the_tolerance() -> None:
    told = {CASH: 1000.04, REALIZED: 0.0}
    assert verdict(replace(NOW, told=told))[0] == "DIFFERS"
    assert verdict(replace(NOW, told=told, moved=replace(IDLE, executions=2)))[0] == "AGREES"


@pytest.mark.parametrize(
    ("now", "begun", "why"),
    [
        (replace(NOW, told={}), BEGUN, "does not tell"),
        (replace(NOW, moved=None), BEGUN, "not settled"),
        (NOW, None, "at the start"),
        (NOW, replace(BEGUN, amounts={}), "at the start"),
        (NOW, replace(BEGUN, day="2026-02-16"), "day has changed"),
    ],
)
def test_what_can_t_be_compared_is_unknown(now: Now, begun: Start | None, why: str) -> None:
    said, reason = verdict(now, begun)
    assert said == "UNKNOWN"
    assert why in reason


def test_a_figure_that_may_be_old_differs_only_once_it_can_t_be() -> None:
    told = {CASH: 990.0, REALIZED: 0.0}
    young = replace(NOW, told=told, moved=replace(IDLE, age_s=50.0))
    cash, profit = compare_funds(BEGUN, young, {})
    assert (cash.verdict, cash.wait_s, profit.verdict) == ("UNKNOWN", 130.0, "AGREES")
    assert verdict(replace(young, moved=replace(IDLE, age_s=180.0)))[0] == "DIFFERS"


def test_a_start_read_just_after_an_execution_proves_no_difference() -> None:
    doubtful = replace(BEGUN, settled=False)
    assert verdict(NOW, doubtful)[0] == "AGREES"
    assert verdict(replace(NOW, told={CASH: 990.0, REALIZED: 0.0}), doubtful)[0] == "UNKNOWN"


def test_a_difference_names_both_amounts_and_the_gap() -> None:
    told = {CASH: 995.0, REALIZED: 3.0}
    cash, profit = differences(compare_funds(BEGUN, replace(NOW, told=told), {}))
    assert (cash.kind, cash.gap, cash.broker) == (Kind.CASH, -5.0, "995.00")
    assert (profit.kind, profit.gap) == (Kind.REALIZED, 3.0)
    words = "own record 1000.00 by executions, wire nothing, broker 995.00"
    assert str(cash) == f"cash, the account's cash: {words}"
