"""Faults of contract details: ib_async sees each, and none of it from a sound gateway."""

import asyncio

from brokerage.simulator.faults import contracts
from tests.brokerage.faults.scenes import Scene
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import SPY, call

LIMIT = 0.5  # wall seconds within which a sound gateway has long answered


async def answered(gateway, ib, switch):
    """Whether the details end within the limit."""
    switch()
    try:
        async with asyncio.timeout(LIMIT):
            return len(await ib.reqContractDetailsAsync(SPY)) == 1
    except TimeoutError:
        return False


async def multiplier_of_a_call(gateway, ib, switch):
    """What one contract is said to stand for."""
    switch()
    contract, _ = await call(ib)
    return contract.multiplier


FAULTS = (contracts,)
SCENES = (
    Scene("contract_details_never_end", answered, seen=False, sound=True),
    Scene("wrong_multiplier", multiplier_of_a_call, seen="10", sound="100"),
)
