"""Faults through the port: on simulated gateways, by both ways, and never anywhere else."""

from dataclasses import replace

import pytest

from brokerage import gateway
from brokerage.errors import GatewayConnectionError
from brokerage.gateway import FaultRefused, Simulated, Switches
from brokerage.terms import PAPER, SIMULATED, Target
from tests.brokerage.port.stories import story

WAYS = ("in the process", "over the control port")


def switches_of(simulated: Simulated, way: str) -> Switches:
    if way == WAYS[0]:
        return simulated.switches
    found = gateway.switches(simulated.target)
    assert found is not None
    return found


@pytest.mark.parametrize("way", WAYS)
@story
async def test_a_fault_goes_on_and_off(way: str) -> None:
    async with gateway.simulation(control=True) as simulated:
        switches = switches_of(simulated, way)
        await switches.on("pacing_kick", refusals=5)
        assert await switches.active() == ("pacing_kick",)
        assert simulated.gateway.faults.active()[0].refusals == 5  # type: ignore[attr-defined]
        assert await switches.off("pacing_kick")
        assert not await switches.off("pacing_kick")
        assert await switches.active() == ()


@pytest.mark.parametrize("way", WAYS)
@story
async def test_a_refusal_is_an_error_of_the_port_that_says_why(way: str) -> None:
    async with gateway.simulation(control=True) as simulated:
        switches = switches_of(simulated, way)
        with pytest.raises(FaultRefused, match="did you mean pacing_kick"):
            await switches.on("pacing_kik")
        with pytest.raises(FaultRefused, match="no fault called"):
            await switches.off("no_such")


@story
async def test_a_control_port_where_nobody_listens_is_an_error_of_the_port() -> None:
    async with gateway.simulation(control=True) as simulated:
        switches = switches_of(simulated, WAYS[1])
    with pytest.raises(FaultRefused, match="control port"):
        await switches.active()


@pytest.mark.parametrize(
    ("kind", "control_port", "possible"),
    [(SIMULATED, 5999, True), (SIMULATED, None, False), (PAPER, 5999, False), (PAPER, None, False)],
)
def test_only_a_simulated_gateway_with_a_control_port_has_faults(
    kind: str, control_port: int | None, possible: bool
) -> None:
    target = Target("x", "127.0.0.1", 4002, kind, control_port=control_port)
    assert (gateway.switches(target) is not None) == possible


@story
async def test_a_connection_meets_the_fault_that_was_switched() -> None:
    async with gateway.simulation(control=True) as simulated:
        await switches_of(simulated, WAYS[1]).on("port_closed")
        with pytest.raises(GatewayConnectionError):
            async with gateway.connect(replace(simulated.target, name="closed"), attempts=1):
                pass
