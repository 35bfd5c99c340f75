"""The same seed, start and client messages at the same simulated times make the same transcript."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from brokerage.simulator import transcript as module
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, until
from tests.brokerage.wire.told_twice import told

ROOT = Path(__file__).parents[3]


def lines(content: bytes) -> list[dict]:
    """The frames, without the head."""
    return [json.loads(line) for line in content.splitlines()][1:]


def told_by_a_process(hash_seed: int) -> bytes:
    """The story, told by a Python of its own."""
    command = [sys.executable, "-m", "tests.brokerage.wire.told_twice"]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


async def test_a_story_told_twice_makes_the_same_bytes():
    first, second = await told(), await told()
    assert first == second
    assert len(first.splitlines()) > 300


def test_two_processes_with_other_hashes_tell_the_same_story():
    first, second = told_by_a_process(1), told_by_a_process(2)
    assert first == second
    assert first == asyncio.run(told())


async def test_another_seed_tells_another_story():
    assert await told(7) != await told(8)


async def test_the_story_has_quotes_fills_a_cancel_and_switches():
    names = {frame["name"] for frame in lines(await told())}
    wanted = {"TickPrice", "HistoricalData", "ExecDetails", "CommissionReport", "CancelOrder"}
    assert names > wanted | {"On", "Off", "PositionData", "PortfolioValue", "CompletedOrdersEnd"}


async def test_time_never_goes_back_in_a_transcript():
    at = [frame["at"] for frame in lines(await told())]
    assert all(before <= after for before, after in pairwise(at))


async def test_fields_stand_as_on_the_wire_at_each_clients_version():
    frames = lines(await told())
    opened = {one["client"]: one["fields"] for one in frames if one["name"] == "OpenOrder"}
    assert {client_id: len(fields) for client_id, fields in opened.items()} == {0: 135, 5: 128}
    (hello, *_) = frames
    assert hello["fields"] == ["v178..178"]


async def test_a_clients_message_stands_as_it_was_received(gateway, ib):
    ib.client.send(16, "1")
    await until(lambda: gateway.transcript[-1].name == "OpenOrderEnd")
    asked = [frame for frame in gateway.transcript if frame.name == "ReqAllOpenOrders"][-1]
    assert asked.fields == ["16", "1"]


async def test_the_file_holds_what_memory_holds(tmp_path):
    path = tmp_path / "transcript.jsonl"
    async with Gateway.serve(speed=25, transcript_path=path) as gateway, client(gateway):
        assert path.read_bytes() == gateway.transcript_bytes()
    assert path.read_bytes() == gateway.transcript_bytes()


async def test_a_transcript_is_never_written_over(tmp_path):
    path = tmp_path / "transcript.jsonl"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        Gateway(transcript_path=path)
    assert path.read_text() == "precious"


async def test_memory_keeps_the_newest_frames_and_counts_all(monkeypatch):
    monkeypatch.setattr(module, "MOST_FRAMES", 10)
    async with Gateway.serve(speed=25) as gateway, client(gateway):
        assert len(gateway.transcript) == 10
        assert gateway.transcript.count > 50
