"""Single values on the wire."""

import math

import pytest

from brokerage.tws import fields
from brokerage.tws.codec import decode_server, encode
from brokerage.tws.fields import WireError
from brokerage.tws.framing import join
from brokerage.tws.messages import Contract, OpenOrder, Order, OrderStatus, TickSize


@pytest.mark.parametrize(
    ("value", "version", "text"),
    [(100.0, 178, "100"), (0.5, 178, "0.5"), (0.6, 162, "1"), (2.0, 157, "2")],
)
def test_sizes_are_whole_for_old_clients(value, version, text):
    tick = encode(TickSize(1, 0, value), version)
    assert tick == join(["2", "6", "1", "0", text])


@pytest.mark.parametrize("version", [157, 162])
def test_a_fractional_size_is_refused_where_clients_read_a_whole_number(version):
    with pytest.raises(WireError, match="no whole size"):
        decode_server(join(["1", "1", "6", "0", "0", "1.5", "0", "0"]), version)


def test_whole_sizes_are_read_in_any_spelling():
    for text in ("100", "100.0", "1e2"):
        assert decode_server(join(["2", "6", "1", "0", text]), 157) == TickSize(1, 0, 100.0)


@pytest.mark.parametrize("version", [157, 162, 163, 178])
def test_quantities_of_orders_and_positions_have_fractions_at_every_version(version):
    status = OrderStatus(1, "Submitted", 0.25, 1.5)
    order = OpenOrder(1, Contract(), Order("BUY", 0.75))
    assert decode_server(encode(status, version), version) == status
    assert decode_server(encode(order, version), version) == order


def test_numbers_that_are_equal_are_written_alike():
    assert fields.write_float(-0.0, 178) == fields.write_float(0.0, 178) == "0.0"
    assert fields.write_float(1, 178) == fields.write_float(1.0, 178) == "1.0"


def test_unset_numbers_are_never_empty():
    assert fields.write_optional_float(None, 178) == "1.7976931348623157E308"
    assert fields.write_optional_int(None, 178) == "2147483647"
    assert fields.write_optional_float(1.5, 178) == "1.5"
    assert fields.write_optional_int(3, 178) == "3"


@pytest.mark.parametrize("text", ["", "1.7976931348623157E308", "1.7976931348623157e+308"])
def test_each_spelling_of_unset_is_understood(text):
    assert fields.optional_float(text) is None


@pytest.mark.parametrize("text", ["", "2147483647"])
def test_each_spelling_of_an_unset_integer_is_understood(text):
    assert fields.optional_int(text) is None


def test_an_infinite_offset_has_a_word_in_two_spellings():
    assert fields.read_offset("Infinite") == fields.read_offset("Infinity") == math.inf
    assert fields.write_offset(math.inf, 178) == "Infinity"
    assert fields.read_offset("") is fields.read_offset("1.7976931348623157E308") is None
    assert fields.write_offset(0.5, 178) == "0.5"


@pytest.mark.parametrize("text", ["nan", "inf", "Infinity", "-Infinity", "1e999", "abc", "1,5"])
def test_a_number_that_is_none_is_refused(text):
    with pytest.raises(WireError):
        fields.read_float(text)


@pytest.mark.parametrize("text", ["1.5", "x", str(2**63), "9" * 5000])
def test_a_whole_number_that_is_none_is_refused(text):
    with pytest.raises(WireError):
        fields.read_int(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("0", False), ("", False), ("2", True)]
)
def test_switches(text, value):
    assert fields.read_bool(text) is value


def test_a_switch_that_is_none_is_refused():
    with pytest.raises(WireError):
        fields.read_bool("yes")
