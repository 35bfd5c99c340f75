"""Several processes at the door at once, on real databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from brokerage import kill, safety
from brokerage.clock import SessionClock
from brokerage.errors import OrderRefused
from brokerage.gateway import SIMULATED, Contract, Door, Intent, Target, journal
from brokerage.models import KillSwitch, OrderGrant, OrderRecord
from crucible.ledger.models import Entry
from tests.databases import Database

TARGET = Target("sim", "127.0.0.1", 4002, SIMULATED)


def granted(**more: float) -> OrderGrant:
    expires = timezone.now() + timedelta(hours=1)
    return OrderGrant.objects.create(scope="s1", expires_at=expires, symbols=["SPY"], **more)


def submits(grant: OrderGrant, key: str) -> str:
    """Go through the last part of the door in a thread of its own; tell how it ended."""
    intent = Intent(key, Contract(1, "SPY"), "BUY", 1, limit_price=10, ref="s1/OE-01")
    try:
        order, new = journal.intend(intent, TARGET, "DU1", 210)
        permit = safety.Permit(intent, safety._SEAL, 10.0)
        if new:
            journal.submit(order, intent, Door(grant.pk, SessionClock()), permit, 1)
        return "sent" if new else "known"
    except OrderRefused as refusal:
        return refusal.reason
    finally:
        connection.close()


def test_the_last_order_of_a_grant_is_given_once(database: Database) -> None:
    grant = granted(max_orders=1)
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda key: submits(grant, key), "abcd"))
    assert sorted(ends) == ["GRANT_ORDERS"] * 3 + ["sent"]


def test_one_key_is_sent_once(database: Database) -> None:
    grant = granted()
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda _: submits(grant, "a"), range(4)))
    assert sorted(ends) == ["known"] * 3 + ["sent"]
    assert OrderRecord.objects.count() == 1


def test_nothing_leaves_once_the_switch_is_triggered(database: Database) -> None:
    grant = granted(max_shares=100, max_orders=100)

    def triggers() -> str:
        try:
            return kill.trigger("test", "drill").state
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(submits, grant, f"k{number}") for number in range(6)]
        assert pool.submit(triggers).result() == "TRIGGERED"
        [future.result() for future in sending]
    kinds = list(Entry.objects.order_by("sequence").values_list("kind", flat=True))
    assert "order.placed" not in kinds[kinds.index("kill.triggered") :]
    assert submits(grant, "late") == "KILL_SWITCH"


def test_a_new_database_has_an_armed_switch(database: Database) -> None:
    assert KillSwitch.permits()
