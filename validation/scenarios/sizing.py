"""What an order may cost and how often a day may be traded: held against the account's figures."""

import math

from brokerage.errors import GatewayError
from validation.scenarios.trading import Trade
from validation.scenarios.trial import Trial

# FINRA rule 4210: from here on nobody counts day trades; -1 of the broker means the same.
UNCOUNTED_FROM_USD = 25_000.0
UNLIMITED = -1


async def check_sizing(trial: Trial, trade: Trade) -> None:
    """Check a buy against the configured shares of the account, and that a day trade is left.

    The door asks the same before it lets an order out; this asks the account once more, afterwards.
    """
    expected = "a share of the account"
    try:
        values = (await trial.desk.account_summary()).values
    except GatewayError as error:
        trial.check("size of the order", expected, str(error), passed=False)
        return
    equity = values.get("NetLiquidation", math.nan)
    _check_size(trial, trade, equity)
    _check_day_trades(trial, equity, values.get("DayTradesRemaining", math.nan))


def _check_size(trial: Trial, trade: Trade, equity: float) -> None:
    limits, intent = trial.config.limits, trade.intent
    value = intent.quantity * intent.limit_price * intent.contract.multiplier
    share = min(limits.risk_per_trade, limits.single_trade, limits.position)
    expected = f"at most {share:.2%} of {equity:,.0f} USD"
    trial.measure("order_value", value, "USD")
    small = value <= share * equity
    trial.check("size of the order", expected, f"{value:,.0f} USD", passed=small)


def _check_day_trades(trial: Trial, equity: float, left: float) -> None:
    """A buy that the clean-up sells again is a day trade."""
    free = equity >= UNCOUNTED_FROM_USD or left == UNLIMITED
    told = "not told" if math.isnan(left) else "unlimited" if left == UNLIMITED else f"{left:g}"
    expected = f"1 or more, or {UNCOUNTED_FROM_USD:,.0f} USD in the account"
    actual = f"{told}, {equity:,.0f} USD"
    trial.check("day trades left", expected, actual, passed=free or left >= 1)
