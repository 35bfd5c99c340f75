"""An endpoint and an order grant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from brokerage.models import Endpoint, OrderGrant


@pytest.fixture(autouse=True)
def _in_haste(haste: None) -> None:
    """Gateway and clients share a loop."""


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(name="sim", kind="SIMULATED", port=4002, is_default=True)


@pytest.fixture
def grant(endpoint: Endpoint) -> OrderGrant:
    expires = timezone.now() + timedelta(hours=1)
    return OrderGrant.objects.create(
        scope="s1", endpoint=endpoint, expires_at=expires, symbols=["SPY"]
    )
