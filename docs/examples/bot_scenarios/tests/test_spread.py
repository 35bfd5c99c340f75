"""The spread: passes on the sound gateway, fails when a side of the market is missing."""

from typing import Any

import pytest
from acme_scenarios import register

from validation.rehearsal import rehearse

# Crucible keeps the proof that the account is a paper account.
pytestmark = pytest.mark.django_db(transaction=True)


async def test_passes_on_a_sound_gateway(tws_gateway: Any) -> None:
    outcome = await rehearse(register, "ACME-01", port=tws_gateway.port)
    assert (outcome.state, outcome.failed) == ("PASSED", ())
    assert 0 < outcome.measured["spread_bp"] <= 5


async def test_fails_without_a_market(tws_gateway: Any) -> None:
    tws_gateway.faults.on("no_quote", side="ask")
    outcome = await rehearse(register, "ACME-01", port=tws_gateway.port)
    assert (outcome.state, outcome.failed) == ("FAILED", ("both sides",))
