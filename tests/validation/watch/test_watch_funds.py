"""Cash and realised profit under watch: what differs fails a session, what nobody knows is told."""

import pytest

from brokerage.errors import GatewayTimeout
from brokerage.gateway import Desk
from tests.validation.watch.conftest import Open

pytestmark = pytest.mark.django_db(transaction=True)


async def test_figures_that_nobody_could_compare_are_told_at_the_end(
    watched: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(desk: Desk) -> None:
        raise GatewayTimeout("the account's values")

    async with watched() as stage:
        monkeypatch.setattr(Desk, "account_values", silent)
        assert await stage.ends() == []
        finding = await stage.sees("funds_not_compared")
        assert (finding.severity, finding.subject) == ("WARNING", "the account's cash")


async def test_cash_that_no_execution_explains_fails_the_session(watched: Open) -> None:
    async with watched() as stage:
        stage.gateway.venue.floor.account().cash -= 5.0
        (left,) = await stage.ends()
        assert (left.kind, left.severity) == ("difference_cash", "CRITICAL")
