"""Positions and the account's figures."""

from collections.abc import Iterable
from contextlib import suppress

from ib_async import AccountValue
from ib_async import Position as IBPosition

from brokerage.broker.library import contract_of
from brokerage.broker.link import Link
from brokerage.errors import GatewayError
from brokerage.terms import Position, Summary

TAGS = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,BuyingPower,EquityWithLoanValue,"
    "GrossPositionValue,InitMarginReq,MaintMarginReq,AvailableFunds,ExcessLiquidity,Cushion,"
    "DayTradesRemaining"
)


async def positions(link: Link, account: str, limit: float = 10.0) -> list[Position]:
    """Return what the account holds now, without rows of zero."""
    async with link.locks["positions"]:
        rows = await link.ask("the positions", link.ib.reqPositionsAsync, limit)
    latest = {row.contract.conId: _position(row) for row in rows if row.account == account}
    return [position for position in latest.values() if position.quantity]


def _position(row: IBPosition) -> Position:
    contract = contract_of(row.contract)
    return Position(
        con_id=contract.con_id,
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        right=contract.right,
        quantity=float(row.position),
        avg_cost=float(row.avgCost),
        expiry=contract.expiry,
        strike=contract.strike,
        account=row.account,
        local_symbol=contract.local_symbol,
        multiplier=contract.multiplier,
    )


async def summary(link: Link, account: str, limit: float = 10.0) -> Summary:
    """Read the account's figures anew, and end the subscription that the request opens.

    Raises GatewayError when the gateway tells no net liquidation for the account.
    """
    async with link.locks["summary"]:
        await link.ask("the account summary", lambda: _request_summary(link), limit)
    return _figures(account, link.ib.wrapper.acctSummary.values())


def _figures(account: str, rows: Iterable[AccountValue]) -> Summary:
    """Return the numbers among the rows, where one tag has many currencies the base's."""
    mine = [row for row in rows if row.account == account]
    worth = next((row for row in mine if row.tag == "NetLiquidation" and row.currency), None)
    if worth is None:
        raise GatewayError(f"The gateway told no net liquidation for account {account}.")
    values: dict[str, float] = {}
    for row in mine:
        if row.currency in {worth.currency, ""}:
            with suppress(ValueError):
                values[row.tag] = float(row.value)
    return Summary(account, worth.currency, values)


async def _request_summary(link: Link) -> None:
    client, wrapper = link.ib.client, link.ib.wrapper
    wrapper.acctSummary.clear()
    req_id = client.getReqId()
    ended = wrapper.startReq(req_id)
    client.reqAccountSummary(req_id, "All", TAGS)
    try:
        await ended
    finally:
        if link.ib.isConnected():
            client.cancelAccountSummary(req_id)


async def values(link: Link, account: str, limit: float = 10.0) -> Summary:
    """Download the account as TWS shows it, and end the subscription that the request opens.

    Raises GatewayTimeout when its end does not come: what has come so far may be a part.
    """
    async with link.locks["accountValues"]:
        await link.ask("the account's values", lambda: _download(link, account), limit)
    return _figures(account, link.ib.wrapper.accountValues.values())


async def _download(link: Link, account: str) -> None:
    client, wrapper = link.ib.client, link.ib.wrapper
    wrapper.accountValues.clear()
    ended = wrapper.startReq("accountValues")
    client.reqAccountUpdates(True, account)
    try:
        await ended
    finally:
        if link.ib.isConnected():
            client.reqAccountUpdates(False, account)
