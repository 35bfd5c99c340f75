"""What is told about orders that are not worked: completed ones, and what-if answers."""

from brokerage.simulator.account import Margins, WhatIf
from brokerage.simulator.listings import Listing
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_records import Record, echoed, reported
from brokerage.simulator.venue_terms import stamp, wire_contract
from brokerage.tws.fields import UNSET_INTEGER
from brokerage.tws.messages import CompletedOrder, OpenOrder, OrderState, PlaceOrder
from brokerage.tws.objects import changed

NO_PARENT = 2**63 - 1  # what a real gateway writes for "no parent"


def completed_order(record: Record) -> CompletedOrder:
    """A finished order; the wire gives it neither order id nor client id."""
    filled = record.status == "Filled"
    return CompletedOrder(
        contract=echoed(record),
        order=changed(reported(record), quantity=0.0),
        perm_id=record.perm_id,
        extras=record.message.extras,
        status=record.status,
        filled=record.sim.filled,
        ref_futures_con_id=UNSET_INTEGER,
        shareholder="Not an insider or substantial shareholder",
        parent_perm_id=NO_PARENT,
        completed_time=stamp(record.done_at),
        completed_status=f"Filled Size: {record.sim.filled:g}" if filled else record.ended,
    )


def what_if_answer(message: PlaceOrder, listing: Listing, key: Key, result: WhatIf) -> OpenOrder:
    """The one message that answers a what-if; nothing is placed."""
    return OpenOrder(
        order_id=key[1],
        contract=wire_contract(listing, message.contract.exchange or "SMART"),
        order=changed(message.order, what_if=True, dn_order_type="None"),
        client_id=key[0],
        state=OrderState(
            status="PreSubmitted",
            **_margins("before", result.before),
            **_margins("change", result.change),
            **_margins("after", result.after),
            commission=round(result.commission, 2),
            min_commission=round(result.commission, 2),
            max_commission=round(result.commission, 2),
            commission_currency="USD",
            warning=result.warning,
        ),
    )


def _margins(when: str, margins: Margins) -> dict[str, float]:
    return {
        f"init_{when}": round(margins.initial, 2),
        f"maint_{when}": round(margins.maintenance, 2),
        f"equity_{when}": round(margins.equity, 2),
    }
