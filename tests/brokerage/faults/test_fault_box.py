"""The faults of a gateway that are on: their order, their switches, their end."""

import asyncio
from dataclasses import dataclass

import pytest

from brokerage.simulator.faults.fault import Fault, FaultError
from brokerage.simulator.server import Gateway
from brokerage.tws.messages import CurrentTime


@dataclass
class DaysLater(Fault):
    """Tells a time that is eleven days later."""

    def outgoing(self, session, message):
        if isinstance(message, CurrentTime):
            return (CurrentTime(message.epoch + 1_000_000),)
        return (message,)


@dataclass
class Doubled(Fault):
    """Tells twice the time."""

    def outgoing(self, session, message):
        if isinstance(message, CurrentTime):
            return (CurrentTime(message.epoch * 2),)
        return (message,)


def switches(gateway):
    """What the transcript tells of faults."""
    frames = [frame for frame in gateway.transcript if frame.direction == "fault"]
    return [(frame.name, frame.message.name, frame.message.settings) for frame in frames]


async def epoch(ib):
    return round((await ib.reqCurrentTimeAsync()).timestamp())


async def test_messages_pass_the_faults_in_the_order_of_switching_on(gateway, ib):
    before = await epoch(ib)
    gateway.faults.on(DaysLater())
    gateway.faults.on(Doubled())
    assert await epoch(ib) - before * 2 >= 2_000_000
    gateway.faults.on(DaysLater())
    assert await epoch(ib) - before * 2 < 2_000_000


async def test_every_switch_is_in_the_transcript_with_its_settings(gateway):
    with gateway.faults.using("pacing_kick", refusals=5):
        gateway.levers.no_ack = True
    assert switches(gateway) == [
        ("On", "pacing_kick", {"refusals": 5, "silent": False}),
        ("On", "no_ack", {"lever": True}),
        ("Off", "pacing_kick", {}),
    ]


async def test_switching_on_again_replaces_what_was_on(gateway):
    first = gateway.faults.on("pacing_kick")
    second = gateway.faults.on("pacing_kick", refusals=9)
    assert gateway.faults.active() == (second,)
    assert not gateway.faults.off(first)
    assert gateway.faults.off(second)


async def test_switching_off_what_is_not_on_says_so(gateway):
    assert gateway.faults.off("pacing_kick") is False
    with pytest.raises(FaultError):
        gateway.faults.off("no_such_fault")


async def test_clear_names_what_it_switched_off(gateway):
    gateway.faults.on("pacing_kick")
    gateway.faults.on("mute_after_handshake")
    assert gateway.faults.clear() == ["pacing_kick", "mute_after_handshake"]
    assert len(gateway.faults) == 0


async def test_a_message_held_back_passes_only_the_faults_behind(gateway, ib):
    @dataclass
    class Held(Fault):
        """Delivers a second later."""

        def outgoing(self, session, message):
            self.later(1.0, lambda: self.deliver(session, message))
            return ()

    gateway.faults.on(Held())
    answer = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    await asyncio.sleep(0.05)
    assert not answer.done()
    await gateway.skip(1.1)
    assert await asyncio.wait_for(answer, 5)


async def test_nobody_hears_what_is_held_back_for_a_client_that_has_gone(gateway, ib):
    kept = []

    @dataclass
    class Held(Fault):
        """Keeps what it gets."""

        def outgoing(self, session, message):
            kept.append(lambda: self.deliver(session, message))
            return ()

    gateway.faults.on(Held())
    ib.client.reqCurrentTime()
    await asyncio.sleep(0.05)
    ib.disconnect()
    await asyncio.sleep(0.05)
    frames = gateway.transcript.count
    for action in kept:
        action()
    assert kept
    assert gateway.transcript.count == frames


def test_faults_can_be_switched_before_the_gateway_listens():
    gateway = Gateway()
    gateway.faults.on("mute_after_handshake")
    assert "mute_after_handshake" in gateway.faults
