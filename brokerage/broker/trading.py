"""Orders: the only module that places one."""

from math import nan

from ib_async import Contract, ExecutionFilter, Order

from brokerage.broker.library import Place, fill_of, ib_contract
from brokerage.broker.link import Link
from brokerage.errors import RequestRefusedError
from brokerage.safety import Permit
from brokerage.terms import CompletedOrder, Fill, Intent, WhatIf, WorkingOrder

ENDED = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})
UNSET = 1e300


def reserve_order_id(link: Link, above: int = 0) -> int:
    """Return an order id that this client id has not used; `above` is the highest one on record."""
    link.ib.client.updateReqId(above + 1)
    return int(link.ib.client.getReqId())


def place(link: Link, permit: Permit, order_id: int) -> None:
    """Send the order that the door has let through; the permit is good for this one order.

    The caller has taken its token before the door looked a last time, so that nothing lies between.
    """
    intent = permit.spend()
    link.ib.placeOrder(ib_contract(intent.contract), _order(link, intent, order_id))


def change(link: Link, permit: Permit, order_id: int) -> None:
    """Send an order that works already with other terms, under its own id."""
    place(link, permit, order_id)


def cancel(link: Link, order_id: int) -> None:
    """Ask for an order of this client id to be cancelled; a cancel never waits for a token."""
    link.bucket.spend()
    link.ib.client.cancelOrder(order_id, "")


def _order(link: Link, intent: Intent, order_id: int) -> Order:
    order = Order(
        orderId=order_id,
        action=intent.side,
        totalQuantity=intent.quantity,
        orderType=intent.order_type,
        tif=intent.tif,
        orderRef=intent.ref,
        account=link.accounts[0] if len(link.accounts) == 1 else link.target.expected_account,
        transmit=True,
    )
    if intent.order_type == "LMT":
        order.lmtPrice = intent.limit_price
    return order


async def what_if(link: Link, permit: Permit, limit: float = 10.0) -> WhatIf:
    """Ask what an order would do; nothing is placed. A refusal by the broker is an answer."""
    intent = permit.spend()
    order = _order(link, intent, 0)
    contract = ib_contract(intent.contract)
    try:
        state = await link.ask(
            "the what-if order", lambda: link.ib.whatIfOrderAsync(contract, order), limit
        )
    except RequestRefusedError as refusal:
        return WhatIf(refused=(refusal.code or 0, str(refusal)))
    return WhatIf(
        init_margin_change=_number(state.initMarginChange),
        maint_margin_change=_number(state.maintMarginChange),
        equity_with_loan_after=_number(state.equityWithLoanAfter),
        init_margin_after=_number(state.initMarginAfter),
        commission=_number(state.commission),
        warning=state.warningText,
    )


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        return nan
    return number if abs(number) < UNSET else nan


async def open_orders(link: Link, limit: float = 10.0) -> list[WorkingOrder]:
    """Return the orders that work at the gateway now, of every client id."""
    async with link.locks["openOrders"]:
        listing: dict[Place, WorkingOrder] = {}
        link.ib.tape.listing = listing
        try:
            await link.ask("the open orders", link.ib.reqAllOpenOrdersAsync, limit)
        finally:
            link.ib.tape.listing = None
    return [order for order in listing.values() if order.status not in ENDED]


async def executions(link: Link, limit: float = 10.0) -> list[Fill]:
    """Return today's executions of the account, of every client id, with known commissions."""
    rows = await link.ask(
        "the executions", lambda: link.ib.reqExecutionsAsync(ExecutionFilter()), limit
    )
    known = link.ib.tape.commissions
    return [fill_of(row.contract, row.execution, known.get(row.execution.execId)) for row in rows]


async def completed_orders(link: Link, limit: float = 10.0) -> list[CompletedOrder]:
    """Return today's orders that have ended, of every client id; they have a permanent id only."""
    async with link.locks["completedOrders"]:
        rows = await link.ask(
            "the completed orders", lambda: link.ib.reqCompletedOrdersAsync(apiOnly=False), limit
        )
    return [_completed(row.contract, row.order, row.orderStatus.status) for row in rows]


def _completed(contract: Contract, order: Order, status: str) -> CompletedOrder:
    filled, limit = float(order.filledQuantity), float(order.lmtPrice or 0)
    return CompletedOrder(
        perm_id=order.permId,
        ref=order.orderRef,
        status=status,
        filled=filled if filled < UNSET else 0.0,
        con_id=contract.conId,
        symbol=contract.symbol,
        side=order.action,
        quantity=float(order.totalQuantity),
        order_type=order.orderType,
        limit_price=limit if limit < UNSET else 0.0,
        local_symbol=contract.localSymbol,
    )
