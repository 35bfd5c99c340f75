"""One connection as a state machine, without a socket."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.tws.connection import (
    Broken,
    Connection,
    Malformed,
    Offered,
    Received,
    Started,
    State,
    Unsupported,
)
from brokerage.tws.framing import frame, join, split
from brokerage.tws.messages import CurrentTime, ReqCurrentTime

HELLO = b"API\0" + frame(b"v157..178")
START = frame(join(["71", "2", "5", ""]))
NOW = frame(join(["49", "1"]))


def greeted() -> Connection:
    connection = Connection()
    list(connection.receive(HELLO))
    connection.accept("20261123 10:00:00 EST")
    return connection


def ready() -> Connection:
    connection = greeted()
    list(connection.receive(START))
    connection.data_to_send()
    return connection


def test_the_greeting_negotiates_a_version():
    assert list(Connection().receive(HELLO)) == [Offered(157, 178, 178)]


@pytest.mark.parametrize("offer", [b"v157..178 +PACEAPI", b"v157..178\0", b"v178"])
def test_options_and_single_versions_are_understood(offer):
    (event,) = Connection().receive(b"API\0" + frame(offer))
    assert isinstance(event, Offered)
    assert event.version == 178


def test_the_answer_is_one_frame_with_two_fields():
    sent = greeted().data_to_send()
    assert split(sent[4:]) == ["178", "20261123 10:00:00 EST"]
    assert int.from_bytes(sent[:4], "big") == len(sent) - 4


def test_start_names_the_client():
    (event,) = greeted().receive(START)
    assert isinstance(event, Started)
    assert event.client_id == 5


def test_requests_follow():
    assert list(ready().receive(NOW)) == [Received(ReqCurrentTime())]


@given(st.lists(st.integers(1, 60), max_size=5))
def test_any_cut_of_the_bytes_gives_the_same_events(cuts):
    connection, stream, events = Connection(), HELLO + START + NOW, []
    marks = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for first, last in pairwise(marks):
        for event in connection.receive(stream[first:last]):
            events.append(type(event))
            if isinstance(event, Offered):
                connection.accept("now")
    assert events == [Offered, Started, Received]


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02", b"APX\0"])
def test_garbage_instead_of_a_greeting_ends_the_connection(garbage):
    connection = Connection()
    (event,) = connection.receive(garbage)
    assert isinstance(event, Broken)
    assert connection.state is State.CLOSED
    assert list(connection.receive(HELLO)) == []


@pytest.mark.parametrize("offer", [b"hello", b"v1", b"\xff\xff", b"x" * 2000])
def test_a_greeting_without_usable_versions_is_turned_down(offer):
    (event,) = Connection().receive(b"API\0" + frame(offer))
    assert isinstance(event, Broken) or event.version is None


def test_a_request_before_the_start_ends_the_connection():
    (event,) = greeted().receive(NOW)
    assert isinstance(event, Broken)


def test_malformed_and_unknown_messages_leave_the_connection_alive():
    connection = ready()
    bad, strange = frame(join(["3", "x"])), frame(join(["777", "1"]))
    kinds = [type(event) for event in connection.receive(bad + strange + NOW)]
    assert kinds == [Malformed, Unsupported, Received]


def test_an_absurd_length_ends_the_connection():
    (event,) = ready().receive(b"\xff\xff\xff\xff")
    assert isinstance(event, Broken)


def test_messages_leave_as_frames_until_it_is_closed():
    connection = ready()
    connection.send(CurrentTime(1234))
    connection.close()
    connection.send(CurrentTime(5678))
    assert connection.data_to_send() == frame(join(["49", "1", "1234"]))
    assert connection.data_to_send() == b""
