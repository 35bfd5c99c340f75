"""What is kept about gateways, orders and the kill switch."""

from brokerage.models.endpoint import AccountProof, Endpoint
from brokerage.models.orders import Commission, Execution, OrderEvent, OrderGrant, OrderRecord
from brokerage.models.switch import KillSwitch, create_kill_switch

__all__ = [
    "AccountProof",
    "Commission",
    "Endpoint",
    "Execution",
    "KillSwitch",
    "OrderEvent",
    "OrderGrant",
    "OrderRecord",
    "create_kill_switch",
]
