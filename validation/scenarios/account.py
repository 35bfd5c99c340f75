"""The account: what it is, what it has to trade with, and what it holds at the start."""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from brokerage.errors import GatewayError
from brokerage.gateway import Desk, Position, Summary
from brokerage.safety import is_paper
from brokerage.terms import PAPER
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.trial import Trial

Row = TypeVar("Row")
ANSWER_LIMIT_S = 10.0
TAGS = (
    "NetLiquidation", "TotalCashValue", "BuyingPower", "InitMarginReq", "MaintMarginReq",
    "AvailableFunds", "ExcessLiquidity",
)  # fmt: skip
SUBSCRIPTIONS = 2  # of account summaries that a gateway grants one client at a time
SAME_WORTH = 0.01  # share by which two readings of a living account may differ


@scenario(
    id="BC-02",
    slug="account-info-retrieval",
    title="Account information retrieval",
    category=Category.BC,
    timeout=30,
    severity="S-HIGH",
)
async def account_info_retrieval(trial: Trial) -> None:
    """The account's figures can be read in full, and it is the account that is expected.

    Reads the account summary, once more than a gateway allows subscriptions to it, and downloads
    the account's values as TWS shows them.

    Passes when

    - summary and values each come to their end within 10 seconds;
    - they are those of the configured account, a paper account, and name its base currency;
    - net liquidation, total cash, buying power, initial and maintenance margin, available funds
      and excess liquidity are there and are numbers;
    - both sources agree on the net liquidation value (within 1 %);
    - each subscription to the summary is cancelled: else the gateway would refuse the last one.
    """
    asked = trial.clock.wall_ms()
    summary = await _read(trial, "account summary", lambda desk: desk.account_summary())
    if summary is not None:
        trial.measure("account_summary_ms", trial.clock.wall_ms() - asked, "ms")
        _check_identity(trial, summary)
        _check_tags(trial, summary)
        await _check_released(trial)
    values = await _read(trial, "account values", lambda desk: desk.account_values())
    if summary is not None and values is not None:
        _check_agreement(trial, summary, values)


async def _read(
    trial: Trial, what: str, ask: Callable[[Desk], Awaitable[Summary]]
) -> Summary | None:
    name, expected = f"{what} comes to its end", f"within {ANSWER_LIMIT_S:g} s"
    asked = trial.clock.wall_ms()
    try:
        found = await ask(trial.desk)
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return None
    took = f"after {trial.clock.wall_ms() - asked:.0f} ms"
    trial.check(name, expected, took, passed=True)
    return found


def _check_identity(trial: Trial, summary: Summary) -> None:
    wanted = trial.target.expected_account
    same = summary.account == wanted if wanted else bool(summary.account)
    expected = wanted or "the gateway's own"
    trial.check("account is the configured one", expected, summary.account, passed=same)
    proof = trial.desk.proof
    paper = is_paper(summary.account) and proof is not None and summary.account in proof.accounts
    trial.check("account mode", PAPER, PAPER if paper else "not proved to be paper")
    currency = summary.currency
    trial.check("base currency", "named", currency or "none", passed=bool(currency))


def _check_tags(trial: Trial, summary: Summary) -> None:
    found = [tag for tag in TAGS if math.isfinite(summary.values.get(tag, math.nan))]
    trial.measure("tags_found", len(found))
    missing = ", ".join(tag for tag in TAGS if tag not in found)
    trial.check("figures that are numbers", "all", (missing and f"missing: {missing}") or "all")


async def _check_released(trial: Trial) -> None:
    """Ask as often as it takes to use up all subscriptions, if none were given back."""
    name, expected = "subscriptions to the summary are cancelled", "none is refused"
    try:
        for _ in range(SUBSCRIPTIONS):
            await trial.desk.account_summary()
        actual = expected
    except GatewayError as error:
        actual = str(error)
    trial.check(name, expected, actual)


def _check_agreement(trial: Trial, summary: Summary, values: Summary) -> None:
    name, tag = "summary and values agree", "NetLiquidation"
    told, shown = summary.values.get(tag, math.nan), values.values.get(tag, math.nan)
    same = summary.account == values.account and summary.currency == values.currency
    agrees = same and abs(shown - told) <= abs(told) * SAME_WORTH
    expected, actual = f"within {SAME_WORTH:.0%} of {_money(told)}", _money(shown)
    trial.check(name, expected, actual, passed=agrees)


@scenario(
    id="BC-03",
    slug="account-balance-retrieval",
    title="Account balance retrieval",
    category=Category.BC,
    timeout=30,
    severity="S-HIGH",
)
async def account_balance_retrieval(trial: Trial) -> None:
    """Balance and buying power can be read, and the virtual capital is enough to test with.

    Reads the account summary once: total cash, net liquidation value and buying power.

    Passes when

    - total cash is not negative and there is buying power;
    - the net liquidation value is at least the configured fraction (95 %) of the configured
      capital.

    Far more capital than configured (above 120 %) is a warning, not a failure: the account was
    reset to another amount than the configuration says.
    """
    summary = await trial.desk.account_summary()
    cash = _figure(trial, summary, "TotalCashValue", "total_cash")
    power = _figure(trial, summary, "BuyingPower", "buying_power")
    worth = _figure(trial, summary, "NetLiquidation", "net_liquidation")
    trial.check("total cash", "0 or more", _money(cash), passed=cash >= 0)
    trial.check("buying power", "above 0", _money(power), passed=power > 0)
    paper = trial.config.paper_trading
    least = paper.initial_capital * paper.min_fraction
    most = paper.initial_capital * paper.max_fraction
    name, actual = "net liquidation value", _money(worth)
    trial.check(name, f"at least {_money(least)}", actual, passed=worth >= least)
    expected, usual = f"at most {_money(most)}", worth <= most
    trial.check("capital as configured", expected, actual, passed=usual, required=False)


def _figure(trial: Trial, summary: Summary, tag: str, metric: str) -> float:
    """Read and measure one figure; a missing one is nan, which fails every comparison."""
    value = summary.values.get(tag, math.nan)
    if math.isfinite(value):
        trial.measure(metric, value, summary.currency)
    return value


def _money(value: float) -> str:
    return f"{value:,.2f}" if math.isfinite(value) else "missing"


@scenario(
    id="BC-04",
    slug="position-retrieval-empty-account",
    title="Position retrieval on an empty account",
    category=Category.BC,
    timeout=30,
    severity="S-MED",
    cases=(12,),
)
async def position_retrieval_empty_account(trial: Trial) -> None:
    """Positions can be read, and the state that the account starts from is known.

    Reads the positions once and writes them to the log as the session's opening snapshot. Reads
    the open orders and today's executions as well: what is not known to be over can still change
    the positions.

    Passes when

    - each of the three lists comes to its end; an empty account is fine;
    - each position has a symbol, a contract id, a quantity and an average cost;
    - every position held from before is documented in the configuration.
    """
    await _check_list(trial, "open orders complete", trial.desk.open_orders)
    await _check_list(trial, "executions complete", trial.desk.executions)
    started = trial.clock.wall_ms()
    positions = await _check_list(trial, "request completes", trial.desk.positions)
    if positions is None:
        return
    trial.measure("positions_ms", trial.clock.wall_ms() - started, "ms")
    trial.measure("open_positions", len(positions))
    for position in positions:
        _check_row(trial, position)
    _check_documented(trial, positions)


async def _check_list(
    trial: Trial, name: str, read: Callable[[], Awaitable[list[Row]]]
) -> list[Row] | None:
    """Read a list to its end; None, with a failed check, when that does not come."""
    expected = "the list and its end"
    try:
        rows = await read()
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return None
    trial.check(name, expected, f"{len(rows)} rows", passed=True)
    return rows


def _check_row(trial: Trial, row: Position) -> None:
    trial.note(f"Opening position: {_words(row)}, average cost {row.avg_cost:g}")
    whole = bool(row.symbol) and row.con_id > 0 and row.quantity != 0 and row.avg_cost > 0
    expected = "symbol, contract id, quantity and average cost"
    actual = f"{_words(row)}, id {row.con_id}, cost {row.avg_cost:g}"
    trial.check(f"position {row.symbol or row.con_id} is complete", expected, actual, passed=whole)


def _words(row: Position) -> str:
    return f"{row.quantity:g} {row.local_symbol or row.symbol}".strip()


def _check_documented(trial: Trial, positions: list[Position]) -> None:
    documented = trial.documented_positions.split()
    strangers = [_words(row) for row in positions if row.symbol not in documented]
    actual = ", ".join(strangers) or "none"
    expected = "none that the configuration doesn't document"
    trial.check("undocumented positions", expected, actual, passed=not strangers)
