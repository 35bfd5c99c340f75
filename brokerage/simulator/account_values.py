"""An account in the gateway's terms: the tags of its summary, and its cash ledger."""

from dataclasses import dataclass

from brokerage.simulator.account import Account
from brokerage.simulator.margin import LEVERAGE

RATIOS = frozenset({"Cushion", "Leverage", "DayTradesRemaining", "LookAheadNextChange"})
WHOLE = frozenset({"DayTradesRemaining", "LookAheadNextChange"})


@dataclass(frozen=True)
class AccountValue:
    """One line of the account summary; currency is empty for text and ratios."""

    tag: str
    value: str
    currency: str


def values(account: Account) -> list[AccountValue]:
    """Every tag of the account summary, freshly computed; numbers with two digits."""
    rows = [AccountValue("AccountType", "INDIVIDUAL", "")]
    for tag, value in numbers(account).items():
        currency = "" if tag in RATIOS else "USD"
        rows.append(AccountValue(tag, _text(tag, value), currency))
    return rows


def numbers(account: Account) -> dict[str, float]:
    """The numeric tags, unrounded."""
    margins, cash = account.margins(), account.cash
    liquid = account.liquidation()
    gross = sum(abs(account.market_value(position.con_id)) for position in account.held())
    available = margins.equity - margins.initial
    excess = margins.equity - margins.maintenance
    return {
        "NetLiquidation": liquid,
        "TotalCashValue": cash,
        "SettledCash": cash,
        "AccruedCash": 0.0,
        "BuyingPower": max(available, 0.0) * LEVERAGE,
        "EquityWithLoanValue": margins.equity,
        "PreviousDayEquityWithLoanValue": margins.equity,
        "GrossPositionValue": gross,
        "RegTEquity": margins.equity,
        "RegTMargin": margins.initial * 2,  # half of the value overnight
        "SMA": max(available, 0.0),
        "InitMarginReq": margins.initial,
        "MaintMarginReq": margins.maintenance,
        "AvailableFunds": available,
        "ExcessLiquidity": excess,
        "Cushion": excess / liquid if liquid > 0 else 0.0,
        "FullInitMarginReq": margins.initial,
        "FullMaintMarginReq": margins.maintenance,
        "FullAvailableFunds": available,
        "FullExcessLiquidity": excess,
        "LookAheadNextChange": 0.0,
        "LookAheadInitMarginReq": margins.initial,
        "LookAheadMaintMarginReq": margins.maintenance,
        "LookAheadAvailableFunds": available,
        "LookAheadExcessLiquidity": excess,
        "DayTradesRemaining": float(account.day_trades_remaining()),
        "Leverage": gross / liquid if liquid > 0 else 0.0,
    }


def ledger(account: Account) -> list[AccountValue]:
    """The cash ledger ($LEDGER): the same tags for BASE and for USD."""
    shares, options = account.value_of("STK"), account.value_of("OPT")
    open_profit = sum(account.unrealized(position.con_id) for position in account.held())
    amounts = {
        "CashBalance": account.cash,
        "TotalCashBalance": account.cash,
        "AccruedCash": 0.0,
        "StockMarketValue": shares,
        "OptionMarketValue": options,
        "NetLiquidationByCurrency": account.cash + shares + options,
        "UnrealizedPnL": open_profit,
        "RealizedPnL": account.realized(),
        "ExchangeRate": 1.0,
    }
    return [
        row
        for currency in ("BASE", "USD")
        for row in (
            AccountValue("Currency", currency, currency),
            AccountValue("RealCurrency", "USD", currency),
            *(AccountValue(tag, f"{value:.2f}", currency) for tag, value in amounts.items()),
        )
    ]


def _text(tag: str, value: float) -> str:
    if tag in WHOLE:
        return f"{value:.0f}"
    return f"{value:.4f}" if tag in RATIOS else f"{value:.2f}"
