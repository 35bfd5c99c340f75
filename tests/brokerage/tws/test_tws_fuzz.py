"""Noise and spoilt messages: the connection answers or ends, and never raises."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.tws.codec import decode_client, decode_server, encode
from brokerage.tws.connection import (
    Broken,
    Connection,
    Malformed,
    Offered,
    Received,
    State,
    Unsupported,
)
from brokerage.tws.fields import WireError
from brokerage.tws.framing import frame, join, split
from brokerage.tws.messages import CLIENT, SERVER
from tests.brokerage.tws.carried_strategy import carried

HELLO = b"API\0" + frame(b"v157..178")
START = frame(join(["71", "2", "5", ""]))
NOW = frame(join(["49", "1"]))
CALM = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
ODD = ["", "-1", "0", "1e999", "nan", "9" * 400, "99999", "\ufffd", "Infinity", "x" * 5000]


def ready(version: int = 178) -> Connection:
    connection = Connection()
    list(connection.receive(b"API\0" + frame(f"v{version}".encode())))
    connection.accept("20261123 10:00:00 EST")
    list(connection.receive(START))
    assert connection.state is State.READY
    return connection


@st.composite
def spoilt(draw: st.DrawFn, table=CLIENT, version: int = 178) -> bytes:
    """A valid payload with fields changed, lost, doubled or exchanged, and bytes turned over."""
    row = table.by_number[draw(st.sampled_from(sorted(table.by_number)))]
    fields = split(encode(draw(carried(row.layout, version)), version))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(fields) - 1))
        change = draw(st.sampled_from(["replace", "lose", "double", "exchange"]))
        if change == "replace":
            fields[at] = draw(st.sampled_from(ODD) | st.text(max_size=6))
        elif change == "double":
            fields.insert(at, fields[at])
        elif change == "exchange":
            fields[at], fields[-1] = fields[-1], fields[at]
        elif len(fields) > 1:
            del fields[at]
    payload = bytearray(join(fields))
    for at in draw(st.lists(st.integers(0, max(len(payload) - 1, 0)), max_size=3)):
        payload[at:][:1] = b"\xff"
    return bytes(payload) or b"\0"


@CALM
@given(st.lists(st.binary(max_size=80), max_size=6))
def test_noise_before_the_greeting_never_raises(noise):
    connection = Connection()
    for piece in noise:
        assert all(isinstance(event, Offered | Broken) for event in connection.receive(piece))


@CALM
@given(noise=st.lists(st.binary(max_size=80), max_size=6), at=st.integers(0, len(HELLO)))
def test_noise_within_the_greeting_never_raises(noise, at):
    connection = Connection()
    for piece in (HELLO[:at], *noise, HELLO[at:], START):
        for event in connection.receive(piece):
            if isinstance(event, Offered) and event.version:
                connection.accept("now")


@CALM
@given(noise=st.lists(st.binary(max_size=80), max_size=6))
def test_noise_afterwards_never_raises(noise):
    connection = ready()
    for piece in noise:
        list(connection.receive(piece))
    assert connection.state in {State.READY, State.CLOSED}


@CALM
@given(st.lists(spoilt(), min_size=1, max_size=4), st.integers(1, 400))
def test_spoilt_messages_leave_the_connection_alive(payloads, size):
    connection, kinds = ready(), []
    stream = b"".join(map(frame, payloads)) + NOW
    for at in range(0, len(stream), size):
        kinds += [type(event) for event in connection.receive(stream[at : at + size])]
    assert len(kinds) == len(payloads) + 1
    assert {*kinds[:-1]} <= {Received, Malformed, Unsupported}
    assert (kinds[-1], connection.state) == (Received, State.READY)


@pytest.mark.parametrize(
    ("table", "decode"), [(CLIENT, decode_client), (SERVER, decode_server)], ids=["in", "out"]
)
@CALM
@given(data=st.data(), version=st.sampled_from([157, 163, 176, 178]))
def test_a_spoilt_message_is_one_or_is_refused(table, decode, data, version):
    payload = data.draw(spoilt(table, version))
    try:
        message = decode(payload, version)
    except WireError:
        return
    assert type(message) in table.by_class
    assert decode(encode(message, version), version) == message
