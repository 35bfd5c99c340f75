"""Frames: cutting a byte stream into payloads and payloads into fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.tws.framing import MAX_LENGTH, Frames, FramingError, frame, join, split


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 9))
def test_frames_survive_any_cut_of_the_stream(payloads, size):
    stream = b"".join(frame(payload) for payload in payloads)
    frames, found = Frames(), []
    for at in range(0, len(stream), size):
        frames.feed(stream[at : at + size])
        found += list(frames)
    assert found == payloads
    assert frames.pending == 0


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1))
def test_fields_survive_a_payload(fields):
    assert split(join(fields)) == fields


def test_a_missing_last_terminator_is_forgiven():
    assert split(b"49\x001") == ["49", "1"]


def test_a_terminator_inside_a_field_forges_no_other():
    assert split(join(["1", "a\0b"])) == ["1", "ab"]


def test_bytes_that_are_no_text_are_replaced():
    assert split(b"\xff\xfe\0") == ["\ufffd\ufffd"]


@pytest.mark.parametrize("length", [0, MAX_LENGTH + 1, 2**32 - 1])
def test_an_absurd_length_breaks_the_stream(length):
    frames = Frames()
    frames.feed(length.to_bytes(4, "big"))
    with pytest.raises(FramingError, match=str(length)):
        frames.take()


def test_a_payload_too_long_for_clients_is_not_sent():
    with pytest.raises(FramingError, match="too long"):
        frame(b"x" * (MAX_LENGTH + 1))


def test_half_a_frame_is_waited_for():
    frames = Frames()
    frames.feed(frame(b"abc")[:5])
    assert frames.take() is None


def test_a_prefix_is_taken_once_it_is_whole():
    frames = Frames()
    frames.feed(b"AP")
    assert not frames.take_prefix(b"API\0")
    frames.feed(b"I\0rest")
    assert frames.take_prefix(b"API\0")
    assert frames.pending == 4


def test_another_prefix_breaks_the_stream():
    frames = Frames()
    frames.feed(b"GET / HTTP/1.1")
    with pytest.raises(FramingError, match="API"):
        frames.take_prefix(b"API\0")
