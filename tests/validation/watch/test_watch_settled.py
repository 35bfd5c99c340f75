"""Differences that two people settle while a session runs: the last comparison goes by them."""

import pytest
from asgiref.sync import sync_to_async

from brokerage import corrections
from brokerage.models import ReconciliationDiff, ReconciliationRun
from tests.conftest import People
from tests.validation.watch.conftest import Open

pytestmark = pytest.mark.django_db(transaction=True)


async def test_what_two_people_have_settled_fails_no_session(watched: Open, people: People) -> None:
    async with watched() as stage:
        stage.gateway.faults.on("position_changed_elsewhere", quantity=5.0)
        await stage.sees("difference_foreign_position")
        diff = await ReconciliationDiff.objects.aget()
        why = "An agreed transfer into the account."
        await sync_to_async(corrections.propose)(diff, people.op, why)
        await sync_to_async(corrections.approve)(diff, people.qa)
        assert await stage.ends() == []
        await stage.sees("difference_foreign_position", "OVER")
    last = await ReconciliationRun.objects.alast()
    assert last is not None
    assert (last.occasion, last.state) == ("END", "CLEAN")
