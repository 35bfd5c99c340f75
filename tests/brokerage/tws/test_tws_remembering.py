"""What is read from memory is what would have been read from the wire."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.tws.codec import decode_client, encode
from brokerage.tws.fields import WireError
from brokerage.tws.framing import split
from brokerage.tws.layout import Layout, when
from brokerage.tws.messages import CLIENT, Contract, Order, PlaceOrder
from brokerage.tws.objects import changed
from brokerage.tws.remembering import MOST_KNOWN, Remembering
from tests.brokerage.tws.carried_strategy import carried

PLACED = CLIENT.by_class[PlaceOrder].layout
LIMIT = PlaceOrder(7, Contract(symbol="SPY"), Order("BUY", 1.0, "LMT", 5.0, ref="a"))
TERMS = {"action": "SELL", "quantity": 3.0, "limit_price": 2.5, "ref": "é", "hidden": True}


def whole(payload, version):
    return CLIENT.parse(split(payload), version)


@pytest.mark.parametrize("version", [157, 176, 178])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_orders_that_share_their_end_are_read_as_they_stand(version, data):
    first, other = (data.draw(carried(PLACED, version)) for _ in range(2))
    terms = {name: getattr(other.order, name) for name in ("action", "order_type", "quantity")}
    second = replace(first, order=replace(first.order, **terms), contract=other.contract)
    for message in (first, second, replace(second, order_id=other.order_id), first):
        payload = encode(message, version)
        assert decode_client(payload, version) == whole(payload, version)


def familiar() -> Remembering:
    """A reader that has seen the order twice."""
    reader = Remembering(PLACED, 178)
    for _ in range(2):
        reader.read(encode(LIMIT, 178))
    return reader


def test_what_came_twice_is_read_from_memory():
    reader = familiar()
    other = replace(LIMIT, order_id=8, order=replace(LIMIT.order, **TERMS))
    first, second = (reader.read(encode(message, 178)) for message in (LIMIT, other))
    assert (first, second) == (LIMIT, other)
    assert second.extras is first.extras
    assert second.order.form is first.order.form is not None


def test_orders_read_from_memory_hold_their_terms_alone():
    order = familiar().read(encode(LIMIT, 178)).order
    assert vars(order).keys() == Order.TERMS
    assert (order, hash(order)) == (LIMIT.order, hash(LIMIT.order))


def test_what_has_come_once_may_never_come_again():
    reader = Remembering(PLACED, 178)
    assert [reader.read(encode(LIMIT, 178)).order.form for _ in range(2)] == [None, None]


@pytest.mark.parametrize("decides", [{"order_type": "PEG BENCH"}, {"order_type": "PEG MID"}])
def test_what_decides_on_the_end_is_not_overlooked(decides):
    reader, payload = familiar(), encode(LIMIT, 178)
    other = payload.replace(b"LMT", decides["order_type"].encode())
    with pytest.raises(WireError):
        reader.read(other)


def test_nonsense_in_what_is_read_again_is_refused():
    reader, payload = familiar(), encode(LIMIT, 178)
    with pytest.raises(WireError):
        reader.read(payload.replace(b"5.0", b"5.x"))


def test_a_changed_order_is_not_taken_for_what_it_was():
    reader = familiar()
    order = reader.read(encode(LIMIT, 178)).order
    assert order.form is reader.read(encode(LIMIT, 178)).order.form is not None
    assert changed(order, quantity=2.0).form is order.form
    assert changed(order, good_till="x").form is None
    assert replace(order, good_till="x").form is None


def test_the_memory_is_bounded():
    reader = Remembering(PLACED, 178)
    for number in range(3 * MOST_KNOWN):
        order = replace(LIMIT.order, manual_time=str(number))
        reader.read(encode(replace(LIMIT, order=order), 178))
    assert len(reader._known) <= MOST_KNOWN


def test_a_layout_with_a_field_twice_cannot_be_read_so():
    with pytest.raises(ValueError, match="twice"):
        Remembering(Layout(Order, "ref tif", when("tif", "ref")), 178)
