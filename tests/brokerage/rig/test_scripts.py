"""Scripts of faults in YAML: read, carried out, and refused with the line."""

import asyncio
from pathlib import Path

import pytest
from ib_async import IB, MarketOrder, Stock

from brokerage.rig.cli import main
from brokerage.rig.errors import RefusedError
from brokerage.rig.handles import TwsGateway
from brokerage.rig.scripts import load

EXAMPLE = Path(__file__).parents[3] / "docs/examples/faults.yaml"
SPY = Stock("SPY", "SMART", "USD")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- at: 1\n  on: half_open_sockets", ":2: step 1, on: There is no fault called"),
        ("steps:\n- at: 1\n  on: no_such_fault\n- at: -1\n  on: x", ":3: step 1, on"),
        (
            "steps:\n- at: 1\n  on: half_open_socket\n- at: -1\n  on: half_open_socket",
            ":4: step 2, at",
        ),
        ("- at: 1\n  on: half_open_socket\n  wiht: {}", ":1: step 1: 'wiht' is not known"),
        (
            "- when:\n    message: PlaceOrder\n    where: {symbl: SPY}\n  on: half_open_socket",
            ":3: step 1, when, where: 'symbl' is not known",
        ),
        ("", ":1: script: it must be a list of steps"),
        ("- at: 1\n  at: 2\n  on: x", ":2: at stands here twice"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, text, told):
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(RefusedError) as refused:
        load(file)
    assert str(refused.value).startswith(f"{file}{told}")


def test_a_wrong_script_ends_serve_with_2_before_it_listens(tmp_path, capsys):
    file = tmp_path / "faults.yaml"
    file.write_text("- at: soon\n  on: half_open_socket\n")
    assert main(["serve", "--port", "0", "--script", str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{file}:1: step 1, at" in told.err


async def test_the_example_of_the_documentation_does_what_it_says():
    with TwsGateway(speed=5.0) as gateway:
        gateway.faults.play(EXAMPLE)
        ib = IB()
        lost = asyncio.Event()
        ib.errorEvent += lambda req_id, code, text, contract: code == 1100 and lost.set()
        await ib.connectAsync(gateway.host, gateway.port, clientId=1)
        await ib.qualifyContractsAsync(SPY)
        before = gateway.market.quote("SPY").mid
        trade = ib.placeOrder(SPY, MarketOrder("BUY", 10))
        await asyncio.wait_for(trade.filledEvent, 20)
        await asyncio.to_thread(gateway.wait_for, "ExecDetails")
        gateway.clock.skip(1.0)
        assert gateway.market.quote("SPY").mid == pytest.approx(before * 0.98, rel=0.005)
        ib.placeOrder(SPY, MarketOrder("BUY", 10))
        await asyncio.to_thread(gateway.wait_for, "PlaceOrder", 2)
        assert [fault.name for fault in gateway.faults.active()] == ["slow_acknowledgements"]
        gateway.clock.skip(180.0)
        await asyncio.wait_for(lost.wait(), 10)
        ib.disconnect()
        switched = [
            frame.message.name for frame in gateway.transcript if frame.direction == "fault"
        ]
        assert switched[:2] == ["move", "halt"]
