"""Streams: only the managed ones flow, and they tell what kind of data comes and in what order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ib_async import Contract

from brokerage.broker.policy import ManagedClient
from brokerage.broker.stream import Stream
from brokerage.errors import GatewayTimeout, StreamingForbiddenError
from tests.brokerage.port.stories import SPY, open_desk, story

pytestmark = pytest.mark.django_db

SHARE = Contract(conId=1, symbol="SPY", secType="STK")
NOON = datetime(2026, 2, 9, 17, tzinfo=UTC)


class Silent(ManagedClient):
    """A client that writes down what it would send."""

    def __init__(self, managed: set[int]) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self._managed = managed

    def send(self, *fields: Any, **options: Any) -> None:
        self.sent.append(fields)


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("reqMktData", (7, SHARE, "", False, False, [])),
        ("reqMktData", (7, SHARE, "", False, True, [])),
        ("reqTickByTickData", (7, SHARE, "Last", 0, False)),
        ("reqRealTimeBars", (7, SHARE, 5, "TRADES", True, [])),
        ("reqMktDepth", (7, SHARE, 5, False, [])),
        (
            "reqHistoricalData",
            (7, SHARE, "", "1 D", "5 mins", "TRADES", True, 2, True, []),
        ),
    ],
    ids=["quotes", "regulatory", "ticks", "bars", "depth", "history kept up"],
)
def test_what_nobody_manages_is_refused_before_a_byte_is_sent(
    method: str, args: tuple[Any, ...]
) -> None:
    client = Silent({8})
    with pytest.raises(StreamingForbiddenError, match="nothing was sent"):
        getattr(client, method)(*args)
    assert client.sent == []


@pytest.mark.parametrize("managed", [True, False], ids=["managed stream", "snapshot"])
def test_snapshots_and_managed_streams_are_sent(managed: bool) -> None:
    client = Silent({7} if managed else set())
    client.reqMktData(7, SHARE, "", not managed, False, [])
    assert len(client.sent) == 1


@story
async def test_careless_code_is_refused_by_a_real_desk_and_the_managed_stream_is_not() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        with pytest.raises(StreamingForbiddenError):
            await desk.unmanaged_stream(contract)
        async with desk.stream(contract) as stream:
            await anext(aiter(stream))
        assert stream.data_types == {1}
        names = [frame.name for frame in simulated.transcript]
        assert names.count("ReqMktData") == 1


def test_a_trade_reported_after_a_later_one_counts_once_for_each_clock() -> None:
    stream = Stream(contract=None, bound=1)  # type: ignore[arg-type]
    for second in (0, 1, 3, 2, 2, 4):
        stream.told(1, {"rtTime": NOON + timedelta(seconds=second), "lastTimestamp": None})
    assert stream.backward == 1


def test_a_change_of_the_kind_of_data_is_kept() -> None:
    stream = Stream(contract=None, bound=1)  # type: ignore[arg-type]
    for data_type in (1, 1, 3):
        stream.told(data_type, {})
    assert stream.data_types == {1, 3}


@story
async def test_the_account_s_values_agree_with_its_summary() -> None:
    async with open_desk(readonly=True) as (_, desk):
        values, summary = await desk.account_values(), await desk.account_summary()
    assert (values.account, values.currency) == (summary.account, summary.currency)
    tags = ("NetLiquidation", "TotalCashValue", "BuyingPower", "AvailableFunds")
    assert [values.values[tag] for tag in tags] == [summary.values[tag] for tag in tags]


@story
async def test_an_account_whose_end_is_not_told_is_not_taken_for_whole() -> None:
    async with open_desk(readonly=True, speed=100) as (simulated, desk):
        simulated.gateway.faults.on("account_never_ends")
        with pytest.raises(GatewayTimeout, match="account's values"):
            await desk.account_values()
