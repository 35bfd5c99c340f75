"""A recording explained: names, both directions, errors, gaps and what stands out."""

from pathlib import Path

import pytest
from ib_async import LimitOrder, Stock

from brokerage.relay.explain import explain
from brokerage.relay.recording import Kind, Record, RecordingError, Writer
from brokerage.tws.codec import encode
from brokerage.tws.framing import join
from brokerage.tws.messages import CurrentTime, Error, ReqContractDetails, ReqCurrentTime
from tests.brokerage.relay.conftest import recorded
from tests.brokerage.wire.conftest import SPY, client, until

HEADER = b'{"started": "2026-01-05T10:00:00+00:00", "gateway": "", "redacted": true}'


def explained(path: Path, frames: list[tuple[Kind, float, bytes]], version: int = 178) -> str:
    """A made-up connection's explanation."""
    writer = Writer(path)
    hello = [
        (Kind.TO_GATEWAY, 0.0, b"v157..%d" % version),
        (Kind.TO_CLIENT, 0.0, join([str(version), "20260105 10:00:00 EST"])),
    ]
    writer.write(Record(Kind.HEADER, 0, 0.0, HEADER))
    for kind, at, payload in hello + frames:
        writer.write(Record(kind, 1, at, payload))
    writer.close()
    return "\n".join(explain(path))


async def test_a_session_is_readable(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "day") as relay, client(relay) as ib:
        trade = ib.placeOrder(SPY, LimitOrder("BUY", 1, 1.0))
        await until(lambda: trade.orderStatus.status == "Submitted")
        ib.cancelOrder(trade.order)
        await until(trade.isDone)
        await ib.qualifyContractsAsync(Stock("NOSUCH", "SMART", "USD"))
    text = "\n".join(explain(tmp_path / "day"))
    assert "--> PlaceOrder order_id=" in text
    assert "contract=<SPY STK> order=(action='BUY' quantity=1" in text
    assert "limit_price=1" in text
    assert "<-- OrderStatus order_id=" in text
    assert "<-- !! Error req_id=" in text
    assert "code=200" in text
    assert "line" not in text.split("Summary")[0]
    assert "redacted" in text.splitlines()[0]


def test_silence_of_the_gateway_is_marked(tmp_path):
    text = explained(tmp_path / "a", [(Kind.TO_CLIENT, 9.0, encode(CurrentTime(1), 178))])
    assert "silence of 9.0 s from the gateway" in text
    assert "silences: 1, the longest 9.0 s" in text


def test_late_and_missing_answers_are_summed_up(tmp_path):
    frames = [
        (Kind.TO_GATEWAY, 1.0, encode(ReqContractDetails(7), 178)),
        (Kind.TO_GATEWAY, 1.0, encode(ReqContractDetails(8), 178)),
        (Kind.TO_CLIENT, 3.5, encode(Error(7, 200, "no"), 178)),
    ]
    text = explained(tmp_path / "a", frames)
    assert "late: #1 ReqContractDetails 7 after 2.500 s" in text
    assert "unanswered: #1 ReqContractDetails 8" in text
    assert "errors and notices: 200 x 1" in text


def test_a_flood_stands_out(tmp_path):
    frames = [(Kind.TO_GATEWAY, 1 + n / 100, encode(ReqCurrentTime(), 178)) for n in range(60)]
    assert "at most 60 messages within a second of one client (more than" in explained(
        tmp_path / "a", frames
    )


def test_versions_without_layouts_show_number_and_fields(tmp_path):
    frames = [
        (Kind.TO_CLIENT, 1.0, (4).to_bytes(4, "big") + join(["-1", "2104", "farm"])),
        (Kind.TO_CLIENT, 1.0, (203).to_bytes(4, "big") + b"\x08\x01\x10"),
    ]
    text = explained(tmp_path / "a", frames, 222)
    assert "Error -1 | 2104 | farm" in text
    assert "OrderStatus (protobuf, 3 bytes)" in text


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_any_other_file_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(RecordingError):
        list(explain(tmp_path / "x"))
