"""The numbers that a gateway gives out: order ids per client, permanent ids, execution ids.

As with a real gateway, a client's next order id is one above the highest it has ever used, whoever
else is connected, and permanent and execution ids never repeat: also not after a restart, when
`restore` is given what `kept` returned before.
"""

from collections.abc import Mapping
from typing import Any

FIRST_ORDER_ID = 101
FIRST_PERM_ID = 1_500_000_001


class Ids:
    """All sequences of one gateway; `prefix` sets its execution ids apart from other gateways'."""

    def __init__(self, prefix: str = "00025b49") -> None:
        self._prefix = prefix
        self._next_order: dict[int, int] = {}
        self._perm, self._execution = FIRST_PERM_ID, 1

    def next_order_id(self, client_id: int) -> int:
        """The first order id that a client may use."""
        return self._next_order.get(client_id, FIRST_ORDER_ID)

    def used(self, client_id: int, order_id: int) -> None:
        """The client has used this order id, and with it all below."""
        self._next_order[client_id] = max(order_id + 1, self.next_order_id(client_id))

    def perm_id(self) -> int:
        """A new permanent id."""
        self._perm += 1
        return self._perm - 1

    def execution_id(self) -> str:
        """A new execution id; a correction of it would count up its last part."""
        self._execution += 1
        return f"{self._prefix}.{self._execution - 1:08x}.01.01"

    @property
    def counters(self) -> tuple[int, int]:
        """What the next permanent id and the next execution id count from."""
        return self._perm, self._execution

    def kept(self) -> dict[str, Any]:
        """The state as JSON values."""
        orders = {str(client): number for client, number in sorted(self._next_order.items())}
        return {"orders": orders, "perm": self._perm, "execution": self._execution}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on where `kept` was taken; raises KeyError, TypeError or ValueError for nonsense."""
        orders = {int(client): _positive(number) for client, number in kept["orders"].items()}
        self._perm, self._execution = _positive(kept["perm"]), _positive(kept["execution"])
        self._next_order = orders


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is not a number to count from")
    return value
