"""The spread: passes on the sound gateway, fails when a side of the market is missing."""

from collections.abc import Iterator
from typing import Any

import pytest
from acme_scenarios import register
from django.test.utils import setup_databases, teardown_databases

from validation.rehearsal import rehearse


@pytest.fixture(scope="session", autouse=True)
def database(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A test database, for Crucible keeps the proof that the account is a paper account.

    The mark `django_db` won't do: it empties the tables, and a proof can't be deleted.
    """
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(made, verbosity=0)


async def test_passes_on_a_sound_gateway(tws_gateway: Any) -> None:
    outcome = await rehearse(register, "ACME-01", port=tws_gateway.port)
    assert (outcome.state, outcome.failed) == ("PASSED", ())
    assert 0 < outcome.measured["spread_bp"] <= 5


async def test_fails_without_a_market(tws_gateway: Any) -> None:
    tws_gateway.faults.on("no_quote", side="ask")
    outcome = await rehearse(register, "ACME-01", port=tws_gateway.port)
    assert (outcome.state, outcome.failed) == ("FAILED", ("both sides",))
