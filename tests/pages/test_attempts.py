"""The page of one attempt at a scenario."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from brokerage.models import OrderRecord
from validation.models import AttemptState, Session

pytestmark = pytest.mark.django_db


def ordered(session: Session, name: str, ref: str, at: datetime) -> None:
    OrderRecord.objects.create(
        scope=session.number, key=name, ref=f"{session.number}/{ref}", created_at=at, con_id=1,
        symbol="SPY", sec_type="STK", side="BUY", quantity=1, order_type="LMT", limit_price=1,
        route="SIMULATED", state="FILLED",
    )  # fmt: skip


def test_the_orders_are_the_attempts_own_with_those_of_its_clean_up(
    viewer: Client, ended: Session
) -> None:
    first = ended.attempts.get(scenario="OE-01")
    assert first.started_at
    later = first.started_at + timedelta(minutes=1)
    again = ended.attempts.create(
        scenario="OE-01", slug="again", title="Again", category="Orders", position=99, number=2,
        timeout_s=60, state=AttemptState.PASSED, started_at=later,
    )  # fmt: skip
    ordered(ended, "first", "OE-01", first.started_at)
    ordered(ended, "cleanup", "OE-01/cleanup", later - timedelta(seconds=1))
    ordered(ended, "second", "OE-01", later + timedelta(seconds=1))
    ordered(ended, "other", "OE-02", later + timedelta(seconds=1))
    pages = [viewer.get(one.get_absolute_url()) for one in (first, again)]
    keys = [[order.key for order in page.context["orders"]] for page in pages]
    assert keys == [["first", "cleanup"], ["second"]]
