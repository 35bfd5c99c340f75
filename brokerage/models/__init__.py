"""What is kept about gateways, orders, reconciliations and the kill switch."""

from brokerage.models.endpoint import AccountProof, Endpoint
from brokerage.models.observing import ObservedEvent, ObservedExecution, ObservedOrder
from brokerage.models.orders import Commission, Execution, OrderEvent, OrderGrant, OrderRecord
from brokerage.models.reconciliation import Correction, ReconciliationDiff, ReconciliationRun
from brokerage.models.switch import KillSwitch, create_kill_switch

__all__ = [
    "AccountProof",
    "Commission",
    "Correction",
    "Endpoint",
    "Execution",
    "KillSwitch",
    "ObservedEvent",
    "ObservedExecution",
    "ObservedOrder",
    "OrderEvent",
    "OrderGrant",
    "OrderRecord",
    "ReconciliationDiff",
    "ReconciliationRun",
    "create_kill_switch",
]
