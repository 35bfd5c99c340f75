"""A grant can be narrowed and revoked; nobody widens, renews, revives or deletes one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from brokerage.models import Endpoint, OrderGrant
from tests.databases import Database

FAR = datetime(2100, 1, 1, tzinfo=UTC)
WIDER: list[dict[str, Any]] = [
    {"symbols": ["SPY", "QQQ"]}, {"max_orders": 31}, {"max_shares": 6}, {"max_contracts": 3},
    {"max_notional": 5000.01}, {"max_premium": 501}, {"scope": "s2"}, {"endpoint": None},
    {"expires_at": FAR}, {"issued_at": FAR},
]  # fmt: skip
RAW = [
    "UPDATE brokerage_ordergrant SET max_orders = max_orders + 1",
    "UPDATE brokerage_ordergrant SET symbols = '[\"QQQ\"]'",
    "DELETE FROM brokerage_ordergrant",
]


@pytest.fixture
def grant(database: Database) -> OrderGrant:
    endpoint = Endpoint.objects.create(name="gateway", kind="SIMULATED", port=4002)
    expires = timezone.now() + timedelta(hours=1)
    return OrderGrant.objects.create(
        scope="s1", endpoint=endpoint, expires_at=expires, symbols=["SPY"]
    )


def test_nobody_widens_a_grant(grant: OrderGrant) -> None:
    for wider in WIDER:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            OrderGrant.objects.filter(pk=grant.pk).update(**wider)
    grant.symbols = ["SPY", "QQQ"]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        OrderGrant.objects.bulk_update([grant], ["symbols"])


def test_nor_does_a_statement_past_the_models(grant: OrderGrant) -> None:
    for statement in RAW:
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_revoked_grant_stays_revoked(grant: OrderGrant) -> None:
    grant.revoke()
    for later in (None, timezone.now()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            OrderGrant.objects.update(revoked_at=later)


def test_a_grant_can_be_narrowed(grant: OrderGrant) -> None:
    OrderGrant.objects.update(max_orders=1, expires_at=timezone.now(), max_notional=1.0)
    assert OrderGrant.objects.get().state == "EXPIRED"
