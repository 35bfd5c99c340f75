"""Every fault of the catalogue says what happened to whom, and leaves a sound gateway behind."""

import re
from dataclasses import fields, is_dataclass

import pytest
from ib_async import MarketOrder

from brokerage.simulator.faults.catalogue import CATALOGUE, build, describe, known, parameters
from brokerage.simulator.faults.fault import FaultError
from brokerage.simulator.server import Gateway
from tests.brokerage.faults.clients import attempt
from tests.brokerage.faults.scenes import spy, until
from tests.brokerage.wire.conftest import client

PROJECT = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
BRIEF = 0.15  # wall seconds for a client that meets the fault and need not succeed

every_fault = pytest.mark.parametrize("name", list(CATALOGUE))


def test_there_are_more_than_forty():
    assert len(CATALOGUE) > 40


@every_fault
def test_it_says_what_really_happened(name):
    cls = CATALOGUE[name]
    assert is_dataclass(cls)
    assert len(cls.__doc__) > 20
    assert not cls.__doc__.startswith(f"{cls.__name__}(")  # what a dataclass writes by itself


@every_fault
def test_it_cites_a_public_incident(name):
    incidents = CATALOGUE[name].incidents
    assert incidents
    for incident in incidents:
        assert PROJECT.fullmatch(incident.project)
        assert incident.url == f"https://github.com/{incident.project}/issues/{incident.number}"
        assert incident.number > 0
        assert incident.note


@every_fault
def test_it_says_how_a_good_client_notices(name):
    assert len(CATALOGUE[name].signal) > 20


@every_fault
def test_it_can_be_made_without_a_parameter(name):
    assert build(name, {}).name == name
    assert all(field.init or not field.repr for field in fields(CATALOGUE[name]))


@every_fault
def test_it_describes_itself_in_plain_values(name):
    told = describe(CATALOGUE[name])
    assert list(told) == ["name", "what", "signal", "parameters", "incidents"]
    assert told["parameters"] == parameters(CATALOGUE[name])


async def sound_story(gateway: Gateway) -> None:
    """Connect without a hole, get a quote, fill an order, and tell the position."""
    async with client(gateway, client_id=7, raiseSyncErrors=True, timeout=8) as ib:
        contract = await spy(ib)
        ticker = ib.reqMktData(contract)
        await until(lambda: ticker.bid > 0 and ticker.ask > 0)
        trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
        await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
        assert trade.orderStatus.status == "Filled"
        assert await ib.reqCurrentTimeAsync()


@every_fault
async def test_it_goes_off_and_leaves_a_sound_gateway(name):
    async with Gateway.serve(speed=25.0) as gateway:
        gateway.faults.on(name)
        await attempt(gateway, 7, timeout=BRIEF)
        gateway.faults.off(name)
        assert not gateway.faults.active()
        await gateway.skip(5)
        await sound_story(gateway)


def test_a_name_that_is_nearly_right_is_suggested():
    with pytest.raises(FaultError, match="did you mean link_lost"):
        known("link_los")


def test_a_parameter_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(FaultError, match="it has: seconds, data_lost, repeat"):
        build("link_lost", {"minutes": 3})


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("link_lost", {"seconds": "long"}, "seconds must be a number"),
        ("link_lost", {"seconds": True}, "seconds must be a number"),
        ("link_lost", {"seconds": float("nan")}, "seconds must be a number"),
        ("link_lost", {"seconds": float("inf")}, "seconds must be a number"),
        ("link_lost", {"data_lost": 1}, "data_lost must be true or false"),
        ("disconnect_mid_order", {"nth": 1.5}, "nth must be a whole number"),
        ("wrong_account", {"account": 7}, "account must be a text"),
        ("split_frames", {"size": 0}, "size must be at least 1 byte"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name, params, words):
    with pytest.raises(FaultError, match=words):
        build(name, params)


def test_a_whole_number_will_do_for_seconds():
    assert build("link_lost", {"seconds": 60}).seconds == 60.0
