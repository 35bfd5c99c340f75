"""Every message at every layout: what is written is read back."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.tws import messages as tws
from brokerage.tws.codec import decode_client, decode_server, encode, negotiate
from brokerage.tws.fields import WireError
from brokerage.tws.layout import Layout, scope, when
from brokerage.tws.messages import CLIENT, SERVER
from brokerage.tws.table import Table, UnknownMessageError
from tests.brokerage.tws.messages_strategy import instances

VERSIONS = [157, 160, 163, 164, 169, 176, 178]
CLASSES = [(table, cls) for table in (CLIENT, SERVER) for cls in table.by_class]
NAMES = [f"{table.name}-{cls.__name__}" for table, cls in CLASSES]


@pytest.mark.parametrize(("table", "cls"), CLASSES, ids=NAMES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), version=st.sampled_from(VERSIONS))
def test_what_is_written_is_read_back(table, cls, data, version):
    message = data.draw(instances(cls))
    written = table.fields(message, version)
    parsed = table.parse(written, version)
    assert table.fields(parsed, version) == written
    assert table.parse(table.fields(parsed, version), version) == parsed


@given(instances(tws.WireBar))
def test_bars_come_back_equal(bar):
    message = tws.HistoricalData(3, "a", "b", (bar, bar))
    assert decode_server(encode(message, 178), 178) == message


def test_an_order_with_everything_comes_back_equal():
    order = tws.Order(
        action="BUY", quantity=1.5, order_type="PEG BEST", limit_price=1.25, hedge_type="D",
        hedge_param="1", scale_increment=0.1, scale_init_size=5, dn_order_type="LMT", dn_con_id=7,
        algo_strategy="Twap", algo_params=(tws.TagValue("a", "b"),), conditions_cancel=True,
        conditions=(tws.Condition(5, "o", sec_type="STK", symbol="SPY"), tws.Condition(3)),
        min_compete_size=1, compete_offset=math.inf, mid_offset_whole=0.1, min_trade_quantity=2,
    )  # fmt: skip
    contract = tws.Contract(sec_type="BAG", exchange="IBKRATS")
    extras = tws.Extras((tws.ComboLeg(1, 2),), (tws.LegPrice(3.0),), (), True, tws.DeltaNeutral(9))
    message = tws.PlaceOrder(5, contract, order, extras=extras)
    assert decode_client(encode(message, 178), 178) == message


def test_benchmark_fields_follow_a_benchmark_order_alone():
    plain = tws.PlaceOrder(order=tws.Order(order_type="LMT"))
    pegged = replace(plain, order=tws.Order(order_type="PEG BENCH"))
    assert len(CLIENT.fields(pegged, 178)) - len(CLIENT.fields(plain, 178)) == 5


def test_mid_offsets_follow_a_midpoint_order_since_170():
    pegged = tws.PlaceOrder(order=tws.Order(order_type="PEG MID"))
    plain = tws.PlaceOrder(order=tws.Order(order_type="LMT"))
    for version, more in ((169, 0), (170, 2)):
        difference = len(CLIENT.fields(pegged, version)) - len(CLIENT.fields(plain, version))
        assert difference == more


ECHO = tws.Order(dn_order_type="None")
COUNTS = {  # fields at 157, 176 and 178, as recorded or read in the clients' decoders
    tws.OpenOrder(order=ECHO): (128, 136, 135),
    tws.CompletedOrder(order=ECHO): (96, 101, 100),
    tws.ExecDetails(): (31, 31, 32),
    tws.ContractData(): (39, 40, 40),
    tws.Error(): (5, 6, 6),
    tws.PositionData(): (16, 16, 16),
    tws.PortfolioValue(): (20, 20, 20),
    tws.OrderStatus(): (12, 12, 12),
    tws.CommissionReport(): (8, 8, 8),
    tws.TickPrice(): (7, 7, 7),
    tws.TickOptionComputation(): (12, 12, 12),
    tws.HistoricalData(): (5, 5, 5),
    tws.AccountSummary(): (7, 7, 7),
    tws.CompletedOrdersEnd(): (1, 1, 1),
    tws.SecDefOptParamEnd(): (2, 2, 2),
}


@pytest.mark.parametrize("message", COUNTS, ids=lambda message: type(message).__name__)
def test_field_counts_are_the_real_gateways(message):
    server = SERVER
    counts = tuple(len(server.fields(message, version)) for version in (157, 176, 178))
    assert counts == COUNTS[message]


@pytest.mark.parametrize(
    ("low", "high", "version"),
    [(157, 178, 178), (100, 176, 176), (100, 157, 157), (100, 225, 178), (100, 158, 157),
     (158, 158, None), (100, 156, None), (179, 225, None)],
)  # fmt: skip
def test_the_version_is_the_newest_that_both_know(low, high, version):
    assert negotiate(low, high) == version


@pytest.mark.parametrize("payload", [b"", b"\0", b"x\0", b"-1\0", b"999999999\0", b"3\x001\0"])
def test_what_is_no_message_is_refused(payload):
    with pytest.raises(WireError):
        decode_client(payload, 178)


def test_an_unknown_number_is_told_from_a_broken_message():
    with pytest.raises(UnknownMessageError, match="30000"):
        decode_client(b"30000\x001\0", 178)


def test_a_count_that_lies_is_refused():
    with pytest.raises(WireError, match="repetitions"):
        decode_server(b"17\x001\0a\0b\x00999999999\0", 178)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CLIENT.by_number)), st.lists(st.text(max_size=5), max_size=130))
def test_any_fields_make_a_message_or_are_refused(number, texts):
    try:
        message = CLIENT.parse([str(number), *texts], 178)
    except WireError:
        return
    assert type(message) is CLIENT.by_number[number].layout.cls


def test_a_number_stands_once_in_a_table():
    table = Table("test")
    table.row(49, "epoch")(tws.CurrentTime)
    with pytest.raises(ValueError, match="49"):
        table.row(49, "epoch")(tws.CurrentTime)


def test_a_layout_knows_its_class_only():
    with pytest.raises(KeyError):
        Layout(tws.CurrentTime, "epoch nothing")
    with pytest.raises(ValueError, match="not a word"):
        Layout(tws.CurrentTime, "epoch>165")


def test_a_scope_reaches_into_conditions():
    layout = Layout(
        tws.PlaceOrder, *scope("order", "hedge_type", when("hedge_type", "hedge_param"))
    )
    hedged = tws.PlaceOrder(order=tws.Order(hedge_type="D", hedge_param="2"))
    assert layout.writer(178)(hedged) == "D\0002\0"
