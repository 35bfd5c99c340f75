"""The flight recorder keeps whole frames, no account id, and never costs a connection anything."""

import gzip
import threading
import zlib
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async import LimitOrder, MarketOrder

from brokerage.relay import recorder as recorder_module
from brokerage.relay.recorder import Recorder
from brokerage.relay.recording import Kind, Record, Recording, RecordingError, Writer, read
from brokerage.relay.track import Track
from brokerage.tws.framing import frame, join
from tests.brokerage.relay.conftest import recorded
from tests.brokerage.wire.conftest import SPY, client, until

HELLO = [b"API\0", frame(b"v157..178")]
FRAMES = [join(["71", "2", "1", ""]), join(["49", "1"]), join(["9", "8", "x" * 300])]


async def record_day(gateway, path: Path, **options: object) -> None:
    """Record a short day."""
    async with recorded(gateway, path, **options) as relay, client(relay) as ib:
        await ib.reqAccountSummaryAsync()
        trade = ib.placeOrder(SPY, MarketOrder("BUY", 1, account="DU1234567"))
        await until(trade.isDone)
        ib.placeOrder(SPY, LimitOrder("BUY", 1, 1.0, account="DU7777777"))
        await until(lambda: ib.errors[-1][0] != 2158)


def content_of(path: Path) -> bytes:
    """What is in the file, uncompressed."""
    return gzip.decompress(path.read_bytes())


async def test_no_byte_of_an_account_id_remains(gateway, tmp_path):
    await record_day(gateway, tmp_path / "day")
    content = content_of(tmp_path / "day")
    assert b"1234567" not in content
    assert b"7777777" not in content
    assert content.count(b"DU0000001") > 20


async def test_nothing_is_redacted_on_request(gateway, tmp_path):
    await record_day(gateway, tmp_path / "day", redact=False)
    assert b"DU1234567" in content_of(tmp_path / "day")
    assert Recording.load(tmp_path / "day").header["redacted"] is False


def track(pieces: list[bytes], *, redactor: object = None) -> list[Record]:
    """What becomes of a client's pieces."""
    records: list[Record] = []
    one = Track(1, records.append, redactor)
    for piece in pieces:
        one.feed(0.0, True, piece)
    one.end()
    return records


@given(st.lists(st.integers(0, 700), max_size=8))
def test_frames_are_whole_however_the_bytes_are_split(cuts):
    stream = b"".join([*HELLO, *map(frame, FRAMES)])
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(bounds)]
    records = track(pieces)
    assert [one.kind for one in records] == [Kind.GREETING] + [Kind.TO_GATEWAY] * 4
    assert [one.payload for one in records[2:]] == FRAMES


def test_a_frame_that_was_cut_off_is_counted_not_kept():
    *_, last = track([*HELLO, frame(FRAMES[2])[:50]], redactor=recorder_module.Redactor())
    assert last.kind is Kind.OPAQUE
    assert last.details == {"to_gateway": True, "bytes": 50, "why": "the frame was cut off"}


def test_bytes_of_another_protocol_are_counted():
    records = track([b"GET / HTTP/1.1\r\n", b"Host: DU1234567\r\n"])
    assert [one.kind for one in records] == [Kind.OPAQUE] * 2
    assert bytes.fromhex(records[1].details["hex"]) == b"Host: DU1234567\r\n"


def test_a_file_that_was_cut_off_reads_up_to_the_cut(tmp_path):
    path = tmp_path / "cut"
    writer = Writer(path)
    for n in range(2000):
        writer.write(Record(Kind.TO_CLIENT, 1, float(n), join([str(n), "text" * 5])))
        if n % 100 == 0:
            writer.flush()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    kept = list(read(path))
    assert 500 < len(kept) < 1950
    assert [one.at for one in kept] == [float(n) for n in range(len(kept))]


def test_any_other_file_is_refused(tmp_path):
    (tmp_path / "other").write_bytes(zlib.compress(b"other", wbits=31))
    (tmp_path / "plain").write_bytes(b"plain text")
    for name in ("other", "plain"):
        with pytest.raises(RecordingError):
            Recording.load(tmp_path / name)


def test_no_recording_is_overwritten(tmp_path):
    (tmp_path / "old").touch()
    with pytest.raises(FileExistsError), Recorder(tmp_path / "old"):
        pass


async def test_a_full_disk_is_reported_and_costs_no_connection(
    gateway, tmp_path, monkeypatch, caplog
):
    failed = threading.Event()

    def full(writer: Writer, record: Record) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "day"
    async with recorded(gateway, path, on_failure=lambda error: failed.set()) as relay:
        monkeypatch.setattr(Writer, "write", full)
        async with client(relay) as ib:
            await until(failed.is_set)
            assert await ib.reqCurrentTimeAsync()
    assert "has failed and ends here" in caplog.text


async def test_a_recorder_that_falls_behind_is_let_go(gateway, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 10)
    async with recorded(gateway, tmp_path / "day") as relay, client(relay) as ib:
        assert await ib.reqCurrentTimeAsync()
    assert "The recording has failed" in caplog.text


async def test_faults_stand_in_the_recording(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "day") as relay:
        relay.delay(0.01)
        await relay.restore()
    notes = [one.details["text"] for one in Recording.load(tmp_path / "day").records]
    assert notes == ["delay 0.01 s, jitter 0 s", "restore"]


async def test_each_connection_has_its_number(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "two") as relay:
        async with client(relay, 1), client(relay, 2):
            pass
        await until(lambda: not relay.pairs)
    tracks = Recording.load(tmp_path / "two").connections()
    assert {n: one[-1].details for n, one in tracks.items()} == {
        n: {"how": "closed by the client"} for n in (1, 2)
    }


def test_a_damaged_byte_costs_no_more_than_what_follows_it(tmp_path):
    path = tmp_path / "day"
    writer = Writer(path)
    for number in range(2000):
        writer.write(Record(Kind.NOTE, 0, float(number), b"%d" % (number**5)))
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert [one.at for one in read(path)] == [float(number) for number in range(2000)]
    path.write_bytes(whole[: len(whole) // 2] + b"\0\xff" * 400)
    kept = []
    with suppress(RecordingError):
        for one in read(path):
            kept.append(one.at)
    assert kept[:500] == [float(number) for number in range(500)]


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"[1]", b"7", b"{}"])
def test_a_record_that_does_not_tell_what_it_should_is_damaged(payload):
    with pytest.raises(RecordingError):
        _ = Record(Kind.CLOSED, 1, 0.0, payload).details["how"]
