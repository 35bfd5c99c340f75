"""Faults of executions and commissions: out of order, lost, doubled, late or corrected."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from brokerage.simulator.faults.fault import Incident
from brokerage.simulator.faults.order_fault import OrderFault
from brokerage.simulator.faults.projects import INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import CommissionReport, ExecDetails, OpenOrder, OrderStatus
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

PENDING = -1.0  # what a report carries for a commission that is not known yet


@dataclass
class ReportsLate(OrderFault):
    """Some kinds of reports come `seconds` late, unless they were asked for."""

    seconds: float = 2.0
    late: ClassVar[tuple[type[Any], ...]]

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Holds them back."""
        if not isinstance(message, self.late) or self.asked(session, message):
            return (message,)
        return self.put_off(self.seconds, session, message)


@dataclass
class FilledBeforeExecution(ReportsLate):
    """The status says Filled, and execution and commission follow `seconds` later."""

    incidents: ClassVar = (
        Incident("scmhub/ibsync", 11, "Filled, and the list of fills still empty"),
        Incident(LEAN, 1199, "status and executions come independently"),
    )
    signal: ClassVar = "Filled without an execution: wait for it before booking the fill."
    late: ClassVar = (ExecDetails, CommissionReport)


@dataclass
class ExecutionBeforeOrder(ReportsLate):
    """The execution comes before the first openOrder and orderStatus of its order.

    Orders that fill at once overtook their own acknowledgement by `seconds`.
    """

    incidents: ClassVar = (
        Incident(NAUTILUS, 3949, "execDetails before openOrder: the fill was dropped"),
        Incident(LEAN_IB, 189, "an execution whose order could not be located"),
    )
    signal: ClassVar = "An execution of an order without a permanent id: keep it, don't drop it."
    late: ClassVar = (OpenOrder, OrderStatus)


@dataclass
class ExecutionWithoutStatus(OrderFault):
    """Executions and commissions come; no openOrder or orderStatus ever tells of the fill.

    IBKR documents that market orders which fill at once commonly have no orderStatus.
    """

    incidents: ClassVar = (
        Incident(LEAN, 851, "no orderStatus for fills, with market-on-open most"),
        Incident("pst-group/pysystemtrade", 188, "status and fills of a trade never updated"),
    )
    signal: ClassVar = "Executions add up to the quantity while the status says Submitted."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Drops reports that tell of a fill."""
        told = isinstance(message, OrderStatus) and message.filled > 0
        told |= isinstance(message, OpenOrder) and message.state.status == "Filled"
        return () if told and not self.asked(session, message) else (message,)


@dataclass
class ExecutionLost(OrderFault):
    """The status says Filled and no execution or commission comes; reqExecutions has both."""

    incidents: ClassVar = (
        Incident(
            LEAN_IB, 249, "executions of a 1100 window: nothing but reqExecutions brings them"
        ),
        Incident(INSYNC, 130, "after a reconnect the execution was there and the trade was not"),
    )
    signal: ClassVar = "Filled quantity above the sum of executions: ask reqExecutions."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Drops what nobody asked for."""
        lost = isinstance(message, (ExecDetails, CommissionReport))
        return () if lost and not self.asked(session, message) else (message,)


@dataclass
class LateCommission(ReportsLate):
    """The commission report comes `seconds` after its execution."""

    seconds: float = 10.0

    incidents: ClassVar = (
        Incident(LEAN_IB, 249, "the report came ten seconds after its execution"),
        Incident(NAUTILUS, 4230, "commissions pending at first"),
    )
    signal: ClassVar = "Executions without a commission for a while: costs are not final yet."
    late: ClassVar = (CommissionReport,)


@dataclass
class MissingCommission(OrderFault):
    """No commission report ever comes, not even when executions are asked for."""

    incidents: ClassVar = (
        Incident("wboayue/rust-ibapi", 256, "never a commission report for the order"),
    )
    signal: ClassVar = "Executions that have no commission at the end of the session."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Drops it."""
        return () if isinstance(message, CommissionReport) else (message,)


@dataclass
class PendingCommission(OrderFault):
    """The first commission report says −1, "pending"; the true one follows `seconds` later."""

    seconds: float = 5.0

    incidents: ClassVar = (
        Incident(NAUTILUS, 4230, "−1.0 as commission until the real one is known"),
    )
    signal: ClassVar = "A commission of exactly −1: not known yet, and no rebate."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Sends the placeholder first."""
        if not isinstance(message, CommissionReport) or self.asked(session, message):
            return (message,)
        self.later(self.seconds, lambda: self.deliver(session, message))
        return (replace(message, commission=PENDING, realized=None),)


@dataclass
class CommissionBeforeExecution(OrderFault):
    """The commission report comes before the execution that it belongs to."""

    _waiting: dict[str, ExecDetails] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(INSYNC, 170, "commissionReport: no execution found"),
        Incident(LEAN_IB, 249, "a commission report with nothing to pair it with"),
    )
    signal: ClassVar = "A commission for an unknown execution id: keep it until that comes."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Turns the two round."""
        if self.asked(session, message):
            return (message,)
        if isinstance(message, ExecDetails):
            self._waiting[message.exec_id] = message
            return ()
        if isinstance(message, CommissionReport) and message.exec_id in self._waiting:
            return (message, self._waiting.pop(message.exec_id))
        return (message,)


@dataclass
class DuplicateExecution(OrderFault):
    """Each execution comes `copies` times; with `other_ids` under an execution id of its own.

    The position is right all the same: only who adds executions up is wrong.
    """

    copies: int = 2
    other_ids: bool = False

    incidents: ClassVar = (
        Incident("softwarespartan/IB4m", 80, "partial fills two to four times, with other ids"),
        Incident("pst-group/pysystemtrade", 1580, "more filled than the order was for"),
    )
    signal: ClassVar = "Executions that add up to more than the order, or than the position."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Repeats the execution."""
        if not isinstance(message, ExecDetails) or self.asked(session, message):
            return (message,)
        return tuple(self._copy(message, place) for place in range(self.copies))

    def _copy(self, message: ExecDetails, place: int) -> ExecDetails:
        if not (place and self.other_ids):
            return message
        head, _, tail = message.exec_id.partition(".")
        return replace(message, exec_id=f"{head}d{place}.{tail}")


@dataclass
class ExecutionCorrected(OrderFault):
    """`seconds` after an execution its correction comes: the same id but for its last part, .02.

    It replaces the first report; the price differs by `difference`, the quantity the same.
    """

    seconds: float = 5.0
    difference: float = 0.01

    incidents: ClassVar = (
        Incident(INSYNC, 364, "corrections were added to the fills they correct"),
    )
    signed: ClassVar = frozenset({"difference"})
    signal: ClassVar = "An execution id that differs in its last part alone: replace, don't add."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Has the correction follow."""
        if isinstance(message, ExecDetails) and not self.asked(session, message):
            head = message.exec_id.rpartition(".")[0]
            price = round(message.price + self.difference, 8)
            fixed = replace(message, exec_id=f"{head}.02", price=price)
            self.later(self.seconds, lambda: self.deliver(session, fixed))
        return (message,)


@dataclass
class PartialFills(OrderFault):
    """No quote gives more than `most` units: a larger order fills piece by piece."""

    most: float = 1.0
    _before: float | None = field(init=False, repr=False, default=None)

    incidents: ClassVar = (
        Incident(NAUTILUS, 3471, "partial fills broke the states of an order"),
        Incident("softwarespartan/IB4m", 80, "partial fills reported several times"),
    )
    signal: ClassVar = "Filled below the quantity: remaining counts until Filled."

    def on(self, gateway: "Gateway") -> None:
        """Bounds what a quote gives."""
        self._before = gateway.levers.fill_at_most
        gateway.levers.fill_at_most = self.most

    def off(self, gateway: "Gateway") -> None:
        """As it was."""
        gateway.levers.fill_at_most = self._before
