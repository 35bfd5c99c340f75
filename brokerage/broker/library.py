"""ib_async with its raw order messages passed on, as the library's own order states mislead."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ib_async import IB, CommissionReport, Contract, Execution, Order, OrderState
from ib_async.util import UNSET_DOUBLE
from ib_async.wrapper import RequestError, Wrapper

from brokerage import errors, terms
from brokerage.broker.policy import ManagedClient

# Its records repeat what we report ourselves, with classes and gateway time.
logging.getLogger("ib_async").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class StatusNote:
    """What the gateway says about an order's state, in its own words."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: float
    remaining: float
    avg_price: float
    why_held: str


@dataclass(frozen=True)
class OpenNote:
    """That the gateway lists an order as open, or tells of a change of one."""

    order_id: int
    client_id: int
    perm_id: int
    status: str


@dataclass(frozen=True)
class CommissionNote:
    """The commission of one execution; `realized` is None where the broker gives no figure."""

    exec_id: str
    amount: float
    currency: str
    realized: float | None


# What the broker writes while it has not worked a commission out: no figure, and no rebate.
NOT_KNOWN_YET = -1.0
UNASKED = -1


@dataclass(frozen=True)
class PositionNote:
    """What the gateway says an account holds of one contract."""

    account: str
    con_id: int
    quantity: float


Note = StatusNote | OpenNote | CommissionNote | terms.Fill
Told = Note | PositionNote
Place = int | tuple[int, int]


def place_of(perm_id: int, client_id: int, order_id: int) -> Place:
    """Return what an order is known by: its permanent id, as order ids may be used twice."""
    return perm_id or (client_id, order_id)


class Tape(Wrapper):
    """The library's wrapper; every message about orders and accounts is also passed on raw."""

    def reset(self) -> None:
        """Forget the connection's state."""
        super().reset()  # type: ignore[no-untyped-call]
        self.listing: dict[Place, terms.WorkingOrder] | None = None
        self.commissions: dict[str, CommissionNote] = {}

    def hook(
        self,
        on_note: Callable[[Note], None],
        on_fact: Callable[[str, Any], None],
        on_told: Callable[[Told], None],
    ) -> None:
        """Tell where notes about orders go, other facts, and what came without being asked for."""
        self._on_note, self._on_fact, self._on_told = on_note, on_fact, on_told

    def nextValidId(self, reqId: int) -> None:  # noqa: N802, N803 - the library's names
        """Pass the next valid order id on."""
        self._on_fact("next id", reqId)

    def managedAccounts(self, accountsList: str) -> None:  # noqa: N802, N803
        """Pass the accounts on, also when they are told again."""
        super().managedAccounts(accountsList)
        self._on_fact("accounts", tuple(self.accounts))

    def userInfo(self, reqId: int, whiteBrandingId: str) -> None:  # noqa: N802, N803
        """Pass on whose gateway it is."""
        self._on_fact("brand", whiteBrandingId)

    def currentTime(self, time: int) -> None:  # noqa: N802
        """Pass each answer on: a burst counts them."""
        super().currentTime(time)
        self._on_fact("time", time)

    def orderStatus(  # noqa: N802
        self,
        orderId: int,  # noqa: N803
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,  # noqa: N803
        permId: int,  # noqa: N803
        parentId: int,  # noqa: N803
        lastFillPrice: float,  # noqa: N803
        clientId: int,  # noqa: N803
        whyHeld: str,  # noqa: N803
        mktCapPrice: float = 0.0,  # noqa: N803
    ) -> None:
        """Pass the status on as it came."""
        args = (parentId, lastFillPrice, clientId, whyHeld, mktCapPrice)
        super().orderStatus(orderId, status, filled, remaining, avgFillPrice, permId, *args)
        note = StatusNote(
            orderId, clientId, permId, status, filled, remaining, avgFillPrice, whyHeld
        )
        place = place_of(permId, clientId, orderId)
        if self.listing is None:
            self._on_told(note)
        elif place in self.listing:
            self.listing[place] = replace(self.listing[place], status=status)
        self._on_note(note)

    def openOrder(  # noqa: N802
        self,
        orderId: int,  # noqa: N803
        contract: Contract,
        order: Order,
        orderState: OrderState,  # noqa: N803
    ) -> None:
        """Pass it on, and add it to the listing while one is being read."""
        super().openOrder(orderId, contract, order, orderState)
        if order.whatIf:
            return
        note = OpenNote(orderId, order.clientId, order.permId, orderState.status)
        if self.listing is None:
            self._on_told(note)
        else:
            working = _working(orderId, contract, order, orderState.status)
            self.listing[place_of(order.permId, order.clientId, orderId)] = working
        self._on_note(note)

    def execDetails(  # noqa: N802
        self,
        reqId: int,  # noqa: N803
        contract: Contract,
        execution: Execution,
    ) -> None:
        """Pass the fill on, live or read again."""
        super().execDetails(reqId, contract, execution)
        fill = fill_of(contract, execution, self.commissions.get(execution.execId))
        if reqId == UNASKED:
            self._on_told(fill)
        self._on_note(fill)

    def position(
        self,
        account: str,
        contract: Contract,
        posSize: float,  # noqa: N803
        avgCost: float,  # noqa: N803
    ) -> None:
        """Pass it on: asking once is a subscription, and each list is its newest word."""
        super().position(account, contract, posSize, avgCost)
        self._on_told(PositionNote(account, contract.conId, float(posSize)))

    def commissionReport(self, commissionReport: CommissionReport) -> None:  # noqa: N802, N803
        """Keep the commission and pass it on, before the library overwrites what is unset."""
        report = commissionReport
        if report.commission == NOT_KNOWN_YET or report.commission == UNSET_DOUBLE:
            return
        realized = None if report.realizedPNL == UNSET_DOUBLE else report.realizedPNL
        note = CommissionNote(report.execId, report.commission, report.currency, realized)
        super().commissionReport(report)
        self.commissions[note.exec_id] = note
        self._on_told(note)
        self._on_note(note)

    def error(
        self,
        reqId: int,  # noqa: N803
        errorCode: int,  # noqa: N803
        errorString: str,  # noqa: N803
        advancedOrderRejectJson: str,  # noqa: N803
    ) -> None:
        """Fail every request under way when the gateway refuses one for its rate, and not which.

        All of them only read, so that asking again does no harm.
        """
        if errorCode == errors.MAX_RATE and reqId not in self._futures:
            for key in list(self._futures):
                refusal = RequestError(reqId, errorCode, errorString)
                self._endReq(key, refusal, success=False)  # type: ignore[no-untyped-call]
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)


class Library(IB):
    """An `IB` around our wrapper, which raises when a request is refused."""

    RaiseRequestErrors = True

    def __init__(self, interval: float) -> None:
        """`interval` is real seconds that a session second takes, for the library's own limit."""
        super().__init__()
        self.wrapper = Tape(self)
        self.tape: Tape = self.wrapper
        self.managed: set[int] = set()
        self.client = ManagedClient(self.wrapper, self.managed)
        self.client.RequestsInterval = interval  # type: ignore[assignment]
        self.client.apiEnd += self.disconnectedEvent


def fill_of(contract: Contract, execution: Execution, note: CommissionNote | None) -> terms.Fill:
    """Translate an execution."""
    return terms.Fill(
        exec_id=execution.execId,
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
        ref=execution.orderRef,
        con_id=contract.conId,
        symbol=contract.symbol,
        side="BUY" if execution.side == "BOT" else "SELL",
        quantity=float(execution.shares),
        price=execution.price,
        at=execution.time,
        commission=note.amount if note else None,
        currency=note.currency if note else contract.currency,
        realized=note.realized if note else None,
        contract=contract_of(contract),
    )


def contract_of(
    contract: Contract, *, min_tick: float = 0.01, long_name: str = ""
) -> terms.Contract:
    """Translate a contract; the right is C, P or empty."""
    return terms.Contract(
        con_id=contract.conId,
        symbol=contract.symbol,
        sec_type=contract.secType,
        expiry=contract.lastTradeDateOrContractMonth[:8],
        strike=float(contract.strike or 0),
        right=right_of(contract.right),
        multiplier=int(float(contract.multiplier or 1)),
        exchange=contract.exchange or "SMART",
        primary_exchange=contract.primaryExchange,
        currency=contract.currency,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
        min_tick=min_tick or 0.01,
        long_name=long_name,
    )


def right_of(right: str) -> str:
    """Return C, P or nothing, however the broker spells it."""
    first = right[:1].upper()
    return first if first in {"C", "P"} else ""


def ib_contract(contract: terms.Contract) -> Contract:
    """Return the library's contract; by id alone the gateway would still ask for an exchange."""
    return Contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType=contract.sec_type,
        lastTradeDateOrContractMonth=contract.expiry,
        strike=contract.strike,
        right=contract.right,
        multiplier=str(contract.multiplier) if contract.is_option else "",
        exchange=contract.exchange if contract.is_index else "SMART",
        primaryExchange=contract.primary_exchange if not contract.is_option else "",
        currency=contract.currency,
        localSymbol=contract.local_symbol,
        tradingClass=contract.trading_class,
    )


def _working(order_id: int, contract: Contract, order: Order, status: str) -> terms.WorkingOrder:
    return terms.WorkingOrder(
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        ref=order.orderRef,
        con_id=contract.conId,
        symbol=contract.symbol,
        side=order.action,
        quantity=float(order.totalQuantity),
        order_type=order.orderType,
        limit_price=float(order.lmtPrice or 0),
        status=status,
        local_symbol=contract.localSymbol,
    )
